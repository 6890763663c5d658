use usher_service::UsersError;

use super::CommandError;
use crate::{commands::invalid, start_error::chain};

/// What was not done, why, and what to do about it; a line for each thing that is wrong.
pub(super) fn refused(what: &str, error: &UsersError) -> CommandError {
    let why = match error {
        UsersError::Invalid(faults) => return invalid(what, faults),
        UsersError::LastAdmin => {
            "this is the last active administrator: give another account the role first, with `usher users roles USER \
             --add admin`"
                .to_owned()
        }
        UsersError::WrongStatus(status) => {
            format!("the account is {status}: `usher users show USER` tells more")
        }
        UsersError::VersionMismatch => "somebody else changed the account just now: try again".to_owned(),
        UsersError::NotFound => "the account is gone".to_owned(),
        UsersError::Denied(_)
        | UsersError::UsernameTaken
        | UsersError::EmailTaken
        | UsersError::ExternalIdTaken
        | UsersError::CannotTargetSelf
        | UsersError::TooManyAttempts { .. }
        | UsersError::CurrentPasswordIncorrect
        | UsersError::Failure(_) => chain(error),
    };
    CommandError::Failed(format!("{what}: {why}"))
}
