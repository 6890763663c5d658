//! The limits of `throttle.*`.

use usher_service::{Limit, Limits};

use super::{keys, reader::Reader};
use crate::config::keys::Key;

pub(super) fn limits(reader: &mut Reader) -> Limits {
    let limits = Limits {
        login_account_network: waits(
            reader,
            &keys::THROTTLE_LOGIN_ACCOUNT_NETWORK_LIMIT,
            &keys::THROTTLE_LOGIN_ACCOUNT_NETWORK_WINDOW,
            [&keys::THROTTLE_LOGIN_ACCOUNT_NETWORK_WAIT_MIN, &keys::THROTTLE_LOGIN_ACCOUNT_NETWORK_WAIT_MAX],
        ),
        login_account: waits(
            reader,
            &keys::THROTTLE_LOGIN_ACCOUNT_LIMIT,
            &keys::THROTTLE_LOGIN_ACCOUNT_WINDOW,
            [&keys::THROTTLE_LOGIN_ACCOUNT_WAIT_MIN, &keys::THROTTLE_LOGIN_ACCOUNT_WAIT_MAX],
        ),
        login_network: steady(
            reader,
            [&keys::THROTTLE_LOGIN_NETWORK_LIMIT, &keys::THROTTLE_LOGIN_NETWORK_BURST],
            &keys::THROTTLE_LOGIN_NETWORK_WINDOW,
        ),
        signup_network: steady(
            reader,
            [&keys::THROTTLE_SIGNUP_NETWORK_LIMIT, &keys::THROTTLE_SIGNUP_NETWORK_BURST],
            &keys::THROTTLE_SIGNUP_NETWORK_WINDOW,
        ),
        refresh_session: steady(
            reader,
            [&keys::THROTTLE_REFRESH_SESSION_LIMIT, &keys::THROTTLE_REFRESH_SESSION_BURST],
            &keys::THROTTLE_REFRESH_SESSION_WINDOW,
        ),
        refresh_network: steady(
            reader,
            [&keys::THROTTLE_REFRESH_NETWORK_LIMIT, &keys::THROTTLE_REFRESH_NETWORK_BURST],
            &keys::THROTTLE_REFRESH_NETWORK_WINDOW,
        ),
        mail_address: steady(
            reader,
            [&keys::THROTTLE_MAIL_ADDRESS_LIMIT, &keys::THROTTLE_MAIL_ADDRESS_BURST],
            &keys::THROTTLE_MAIL_ADDRESS_WINDOW,
        ),
        mail_network: steady(
            reader,
            [&keys::THROTTLE_MAIL_NETWORK_LIMIT, &keys::THROTTLE_MAIL_NETWORK_BURST],
            &keys::THROTTLE_MAIL_NETWORK_WINDOW,
        ),
        confirm_network: steady(
            reader,
            [&keys::THROTTLE_CONFIRM_NETWORK_LIMIT, &keys::THROTTLE_CONFIRM_NETWORK_BURST],
            &keys::THROTTLE_CONFIRM_NETWORK_WINDOW,
        ),
    };
    if reader.boolean(&keys::THROTTLE_ENABLED) { limits } else { Limits::OFF }
}

fn steady(reader: &mut Reader, [limit, burst]: [&'static Key; 2], window: &'static Key) -> Limit {
    Limit::steady(reader.integer(limit), reader.integer(burst), reader.duration(window))
}

fn waits(reader: &mut Reader, limit: &'static Key, window: &'static Key, [min, max]: [&'static Key; 2]) -> Limit {
    Limit::waits(reader.integer(limit), reader.duration(window), reader.duration(min), reader.duration(max))
}
