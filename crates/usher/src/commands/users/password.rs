use std::io::{self, BufRead, IsTerminal};

use usher_domain::PlainPassword;
use zeroize::Zeroizing;

use super::CommandError;

/// Asks twice on a terminal, and else takes one line from standard input.
pub(super) fn read() -> Result<PlainPassword, CommandError> {
    let failed = |error: io::Error| CommandError::Failed(format!("the password cannot be read: {error}"));
    let text = if io::stdin().is_terminal() {
        let first = Zeroizing::new(rpassword::prompt_password("Password: ").map_err(failed)?);
        let second = Zeroizing::new(rpassword::prompt_password("Once more: ").map_err(failed)?);
        if first != second {
            return Err(CommandError::Usage("the two passwords differ: nothing was done".to_owned()));
        }
        first
    } else {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(CommandError::Usage("no password was given: type one, or send it to standard input".to_owned()));
    }
    Ok(PlainPassword::new(text.to_owned()))
}
