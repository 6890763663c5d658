//! Doors that hold: how often passwords and refresh tokens may be tried.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::sync::Barrier;
use usher_domain::{Action, Actor, ClientInfo};
use usher_service::{AuthError, ChangePassword, Limit, Limits, UsersError};

use crate::fixture::{Doors, Fixture, PASSWORD, password, request};

const WRONG: &str = "Not-it-7-times";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Somebody at this address.
pub(crate) fn from(ip: &str) -> ClientInfo {
    ClientInfo::new(Some(ip.parse::<IpAddr>().unwrap()), None, None)
}

async fn login(doors: &Doors, name: &str, text: &str, ip: &str) -> Result<(), AuthError> {
    doors.auth.login(&request(name, text), &from(ip)).await.map(drop)
}

/// How long somebody is told to wait; none if he was let try.
async fn wait(doors: &Doors, name: &str, text: &str, ip: &str) -> Option<Duration> {
    match login(doors, name, text, ip).await {
        Err(AuthError::TooManyAttempts { retry_after }) => Some(retry_after),
        Ok(()) | Err(AuthError::InvalidCredentials) => None,
        Err(other) => panic!("{other}"),
    }
}

/// Proves: LG-05
#[tokio::test]
async fn after_five_wrong_passwords_waits_double_and_success_ends_them() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let doors = fixture.doors(Limits { login_network: Limit::OFF, ..Limits::default() });
    for _ in 0..5 {
        assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.1").await, None);
    }
    let mut expected = SECOND;
    for _ in 0..12 {
        for _ in 0..3 {
            assert_eq!(wait(&doors, "bob", PASSWORD, "192.0.2.1").await, Some(expected), "and it is not counted");
        }
        fixture.clock.advance(expected);
        assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.1").await, None);
        expected = (expected * 2).min(MINUTE * 15);
    }
    assert_eq!(expected, MINUTE * 15);
    assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.2").await, None, "another network is another matter");
    assert_eq!(wait(&doors, "eve", WRONG, "192.0.2.1").await, None, "and so is another account");

    fixture.clock.advance(expected);
    assert!(login(&doors, "bob", PASSWORD, "192.0.2.1").await.is_ok());
    for _ in 0..5 {
        assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.1").await, None, "success has ended it");
    }
}

/// Proves: LG-05
#[tokio::test]
async fn a_network_is_an_address_or_the_first_half_of_one() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits { login_network: Limit::OFF, ..Limits::default() });
    for n in 0..5 {
        assert_eq!(wait(&doors, "bob", WRONG, &format!("2001:db8:1:2:{n}::1")).await, None);
    }
    assert!(wait(&doors, "bob", WRONG, "2001:db8:1:2:ffff::9").await.is_some());
    assert_eq!(wait(&doors, "bob", WRONG, "2001:db8:1:3::1").await, None);
    for _ in 0..5 {
        assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.1").await, None);
    }
    assert!(wait(&doors, "bob", WRONG, "::ffff:192.0.2.1").await.is_some(), "the same address in other clothes");
    assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.2").await, None);
}

/// Proves: LG-06, LG-09
#[tokio::test]
async fn strangers_do_not_hold_back_whoever_signs_in_from_home() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let doors = fixture.doors(Limits::default());
    assert!(login(&doors, "bob", PASSWORD, "192.0.2.77").await.is_ok());
    let stranger = |n: usize| format!("198.51.{}.{}", n / 250, n % 250 + 1);
    for n in 0..50 {
        assert_eq!(wait(&doors, "bob", WRONG, &stranger(n)).await, None, "{n}");
    }
    assert_eq!(wait(&doors, "bob", PASSWORD, &stranger(60)).await, Some(SECOND), "from everywhere");
    assert!(login(&doors, "bob", PASSWORD, "192.0.2.77").await.is_ok(), "but not from home");
    for _ in 0..5 {
        assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.77").await, None);
    }
    assert!(wait(&doors, "bob", WRONG, "192.0.2.77").await.is_some(), "where the nearer limit still holds");

    fixture.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    for n in 0..50 {
        assert_eq!(wait(&doors, "bob", WRONG, &stranger(n)).await, None, "{n}");
    }
    assert!(wait(&doors, "bob", PASSWORD, "192.0.2.77").await.is_some(), "after a month it is no home any more");
}

/// Proves: LG-07
#[tokio::test]
async fn one_network_tries_so_many_passwords_whatever_the_account() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::default());
    for n in 0..20 {
        assert_eq!(wait(&doors, &format!("user{n}"), WRONG, "192.0.2.1").await, None, "{n}");
    }
    assert_eq!(wait(&doors, "another", WRONG, "192.0.2.1").await, Some(SECOND * 2), "one every two seconds");
    fixture.clock.advance(SECOND * 2);
    assert_eq!(wait(&doors, "another", WRONG, "192.0.2.1").await, None);
}

/// Proves: LG-08
#[tokio::test]
async fn a_throttled_answer_is_the_same_for_everybody_and_costs_nothing() {
    let fixture = Fixture::new().await;
    fixture.user("known").await;
    let doors = fixture.doors(Limits::default());
    for name in ["known", "unknown"] {
        for _ in 0..5 {
            assert_eq!(wait(&doors, name, WRONG, "192.0.2.1").await, None);
        }
    }
    let mut answers = Vec::new();
    for (name, text) in [("known", PASSWORD), ("known", WRONG), ("unknown", PASSWORD)] {
        login(&doors, name, text, "192.0.2.1").await.unwrap_err();
        let work = fixture.hasher.stats().work;
        fixture.backend.asked();
        answers.push(format!("{:?}", login(&doors, name, text, "192.0.2.1").await.unwrap_err()));
        assert_eq!(fixture.hasher.stats().work, work, "no hash");
        assert_eq!(fixture.backend.asked(), [""; 0], "no query");
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// Proves: LG-10
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_guesses_at_once_do_not_overrun_the_limit() {
    for round in 0..10 {
        let fixture = Fixture::new().await;
        fixture.user("bob").await;
        let doors = Arc::new(fixture.doors(Limits { login_network: Limit::OFF, ..Limits::default() }));
        let before = fixture.hasher.stats().work;
        let barrier = Arc::new(Barrier::new(50));
        let guesses: Vec<_> = (0..50)
            .map(|_| {
                let (doors, barrier) = (doors.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    wait(&doors, "bob", WRONG, "192.0.2.1").await.is_none()
                })
            })
            .collect();
        let mut tried = 0;
        for guess in guesses {
            tried += usize::from(guess.await.unwrap());
        }
        assert_eq!(tried, 5, "round {round}");
        assert_eq!(fixture.hasher.stats().work - before, 5 * 16, "round {round}: five hashes of cost 4");
    }
}

/// Proves: LG-11, PW-08
#[tokio::test]
async fn every_door_that_takes_a_password_shares_the_limit() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let doors = fixture.doors(Limits::default());
    let tokens = doors.auth.login(&request("bob", PASSWORD), &from("192.0.2.1")).await.unwrap();
    let bob = doors.auth.authenticate(tokens.access.token.expose(), from("192.0.2.1")).await.unwrap();
    let change = async |text: &str| {
        let wish = ChangePassword { current_password: password(text), new_password: password("Another-7-horses") };
        doors.users.change_password(&bob, wish).await.map(drop)
    };
    let leave = async |text: &str| doors.users.delete_own_account(&bob, password(text), None).await;
    assert!(matches!(change(WRONG).await, Err(UsersError::CurrentPasswordIncorrect)));
    assert!(matches!(change(WRONG).await, Err(UsersError::CurrentPasswordIncorrect)));
    assert!(matches!(leave(WRONG).await, Err(UsersError::CurrentPasswordIncorrect)));
    assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.1").await, None);
    assert_eq!(wait(&doors, "BOB", WRONG, "192.0.2.1").await, None);
    assert!(wait(&doors, "bob", PASSWORD, "192.0.2.1").await.is_some());
    assert!(matches!(change(PASSWORD).await, Err(UsersError::TooManyAttempts { .. })));
    assert!(matches!(leave(PASSWORD).await, Err(UsersError::TooManyAttempts { .. })));
    fixture.clock.advance(SECOND);
    change(PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_password_that_could_not_be_looked_at_was_no_try() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::default());
    for _ in 0..20 {
        fixture.backend.fail_at("user_by_username");
        assert!(matches!(login(&doors, "bob", WRONG, "192.0.2.1").await, Err(AuthError::Failure(_))));
    }
    fixture.backend.heal();
    for _ in 0..5 {
        assert_eq!(wait(&doors, "bob", WRONG, "192.0.2.1").await, None);
    }
}

/// Proves: RT-15
#[tokio::test]
async fn refreshes_are_limited_by_session_and_by_network() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let doors = fixture.doors(Limits { refresh_session: Limit::steady(10, 10, MINUTE), ..Limits::default() });
    let mut token = doors.auth.login(&request("bob", PASSWORD), &from("192.0.2.1")).await.unwrap().refresh.token;
    for _ in 0..10 {
        token = doors.auth.refresh(&token, &from("192.0.2.1")).await.unwrap().refresh.token;
    }
    let refused = doors.auth.refresh(&token, &from("192.0.2.2")).await.unwrap_err();
    assert!(matches!(refused, AuthError::TooManyAttempts { retry_after } if retry_after == SECOND * 6), "{refused:?}");
    fixture.clock.advance(SECOND * 6);
    doors.auth.refresh(&token, &from("192.0.2.2")).await.unwrap();

    let forged = usher_domain::PlainToken::new("no.refresh.token".to_owned());
    for _ in 0..120 {
        let refused = doors.auth.refresh(&forged, &from("192.0.2.3")).await.unwrap_err();
        assert!(matches!(refused, AuthError::RefreshTokenInvalid), "{refused:?}");
    }
    let refused = doors.auth.refresh(&forged, &from("192.0.2.3")).await.unwrap_err();
    assert!(matches!(refused, AuthError::TooManyAttempts { .. }), "{refused:?}");
}

/// Proves: OP-05
#[tokio::test]
async fn a_throttled_try_is_written_down_once_a_minute_and_names_nobody() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::default());
    for _ in 0..5 {
        wait(&doors, "MySecretPassword", WRONG, "192.0.2.1").await;
    }
    let throttled = async || {
        let log = fixture.log().await;
        log.into_iter().filter(|entry| entry.action == Action::AuthThrottled).collect::<Vec<_>>()
    };
    let try_often = async || {
        for _ in 0..20 {
            assert!(wait(&doors, "MySecretPassword", WRONG, "192.0.2.1").await.is_some());
        }
    };
    try_often().await;
    let entries = throttled().await;
    assert_eq!(entries.len(), 1);
    let details = entries[0].details.fields();
    assert_eq!(details["limit"], "login_account_network");
    assert!(details["identifier_digest"].is_string());
    assert!(!format!("{entries:?}").to_lowercase().contains("mysecretpassword"));
    fixture.clock.advance(MINUTE);
    for _ in 0..4 {
        wait(&doors, "MySecretPassword", WRONG, "192.0.2.1").await;
    }
    try_often().await;
    assert_eq!(throttled().await.len(), 2);
}

/// Proves: OP-05
#[tokio::test]
async fn what_somebody_may_not_do_is_written_down_once_a_minute_for_each_thing() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let actor = fixture.actor("bob").await;
    let denied = async || {
        let log = fixture.log().await;
        log.into_iter().filter(|entry| entry.action == Action::AuthAccessDenied).collect::<Vec<_>>()
    };
    let doors = fixture.doors(Limits::OFF);
    for _ in 0..3 {
        doors.auth.note_denied(&actor, "GET /users").await.unwrap();
        doors.auth.note_denied(&actor, "POST /users").await.unwrap();
    }
    let entries = denied().await;
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].actor, &entries[0].details.fields()["route"]), (Some(bob.id), &"GET /users".into()));
    fixture.clock.advance(MINUTE);
    doors.auth.note_denied(&actor, "GET /users").await.unwrap();
    assert_eq!(denied().await.len(), 3);
    doors.auth.note_denied(&Actor::system(), "GET /users").await.unwrap();
    assert_eq!(denied().await.len(), 3);
}

/// Proves: ID-09
#[tokio::test]
async fn sign_ups_are_limited_by_network_and_what_administrators_make_is_not() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::default());
    let sign_up = async |name: &str, ip: &str| {
        doors.registration.sign_up(crate::signing_up::wish(name), None, &from(ip)).await.map(drop)
    };
    for n in 0..5 {
        sign_up(&format!("user{n}"), "192.0.2.1").await.unwrap();
    }
    let refused = sign_up("another", "192.0.2.1").await.unwrap_err();
    assert!(
        matches!(refused, usher_service::RegistrationError::TooManyAttempts { retry_after } if retry_after == MINUTE * 6),
        "{refused:?}"
    );
    sign_up("another", "192.0.2.2").await.unwrap();
    for n in 0..20 {
        doors.users.create_user(&Actor::system(), crate::fixture::draft(&format!("made{n}"))).await.unwrap();
    }
    for _ in 0..20 {
        let faulty = sign_up("x", "192.0.2.3").await.unwrap_err();
        assert!(matches!(faulty, usher_service::RegistrationError::Account(UsersError::Invalid(_))));
    }
    sign_up("careful", "192.0.2.3").await.unwrap();
}
