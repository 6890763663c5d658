//! The log of all that the suite does, at its finest. It is not kept, but looked through for what may not stand there.

use std::{
    io::{self, Write},
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use usher::{config::Telemetry, telemetry};

use crate::PASSWORD;

/// Passwords that tests use, the master key, and what hashes and links begin with.
const SECRETS: [&str; 8] =
    [PASSWORD, "Another-7-word", "Not-it-7-times", "q83vEjRWeJ", "$2b$", "$argon2", "#token=", "Bearer ey"];

/// What JWTs begin with; the length of one-time tokens, which are the longest word that there is but for those.
const JWT: &str = "eyJ";
const TOKEN_LENGTH: usize = 64;

static LINES: AtomicU64 = AtomicU64::new(0);
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Whether a line of the log holds a password, a token, a hash or a link with one.
#[must_use]
pub fn has_secret(line: &str) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut words = line.split(|c| !is_of_word(c));
    SECRETS.iter().any(|secret| line.contains(secret))
        || words.any(|word| word.len() >= TOKEN_LENGTH || (word.starts_with(JWT) && word.len() > 20))
}

/// How many lines the log has had so far.
#[must_use]
pub fn logged_lines() -> u64 {
    LINES.load(Ordering::Relaxed)
}

/// From now on the process logs, and what it logs is looked through.
pub(crate) fn watch(settings: &Telemetry) {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let subscriber = telemetry::subscriber(settings, false, || Lines);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Fails where a secret was logged, whoever did it.
pub(crate) fn assert_clean() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(thread::panicking() || found.is_empty(), "the log holds secrets: {found:#?}");
}

/// Is handed whole lines.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        LINES.fetch_add(1, Ordering::Relaxed);
        if has_secret(&line) {
            FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
