//! What people read: standard output for what they asked for, standard error for the rest. Where
//! nobody listens any more, nothing is said.

use std::io::{self, Write};

/// A line, or several, on standard output.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A line, or several, on standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Progress on standard error, in the place of the progress before.
pub(crate) fn overwrite(text: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "\r{text}").and_then(|()| stderr.flush());
}
