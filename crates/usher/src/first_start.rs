//! The first administrator, and the password that he signs in with for the first time.

use ring::rand::{self, SystemRandom};
use usher_domain::PlainPassword;
use usher_service::{BootstrapAdmin, BootstrapOutcome, DEFAULT_ADMIN_PASSWORD, UsersManager};

use crate::{
    config::{Config, Profile},
    start_error::StartError,
};

/// Letters and digits that nobody mistakes for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS: usize = 5;
const GROUP_LENGTH: usize = 4;

/// Where the first password comes from.
#[derive(Debug, Clone)]
pub enum FirstPassword {
    /// `bootstrap.admin_password`.
    Configured,
    /// [`DEFAULT_ADMIN_PASSWORD`]: nobody but this machine can reach the service.
    Default,
    /// Made up now (100 bits). To be shown once.
    Random(PlainPassword),
}

/// Makes the first administrator where there is no account at all; says how he signs in if it was now.
pub(crate) async fn ensure_administrator(
    config: &Config,
    users: &UsersManager,
) -> Result<Option<FirstPassword>, StartError> {
    let (origin, password) = choose(config)?;
    let admin = BootstrapAdmin { username: config.bootstrap.username.clone(), password };
    match users.ensure_default_admin(admin).await.map_err(StartError::FirstAdministrator)? {
        BootstrapOutcome::Created => Ok(Some(origin)),
        BootstrapOutcome::Present => Ok(None),
    }
}

fn choose(config: &Config) -> Result<(FirstPassword, PlainPassword), StartError> {
    if let Some(password) = &config.bootstrap.password {
        return Ok((FirstPassword::Configured, password.clone()));
    }
    if config.is_loopback_only() && config.profile != Profile::Production {
        return Ok((FirstPassword::Default, PlainPassword::new(DEFAULT_ADMIN_PASSWORD.to_owned())));
    }
    let password = random_password()?;
    Ok((FirstPassword::Random(password.clone()), password))
}

fn random_password() -> Result<PlainPassword, StartError> {
    let random = rand::generate::<[u8; GROUPS * GROUP_LENGTH]>(&SystemRandom::new());
    let random = random.map_err(|_| StartError::Randomness)?.expose();
    let mut text = String::with_capacity(GROUPS * (GROUP_LENGTH + 1));
    for (position, byte) in random.iter().enumerate() {
        if position > 0 && position % GROUP_LENGTH == 0 {
            text.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
        text.push(char::from(letter));
    }
    Ok(PlainPassword::new(text))
}
