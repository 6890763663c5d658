//! What the managers refuse, as error answers. Exhaustive: a new refusal does not compile until it is
//! given a code.

use std::{error::Error, fmt};

use usher_domain::{Denied, ValidationError};
use usher_service::{
    ActivityError, AuthError, Failure, MailboxError, RegistrationError, RolesError, SessionsError, UsersError,
};

use super::{ApiError, ErrorCode};

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid(invalid) => invalid.into(),
            AuthError::InvalidCredentials => Self::new(ErrorCode::InvalidCredentials, error.to_string()),
            AuthError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            AuthError::DefaultPasswordFromElsewhere => Self::new(ErrorCode::Forbidden, error.to_string()),
            AuthError::RefreshTokenInvalid => Self::new(ErrorCode::RefreshTokenInvalid, error.to_string()),
            AuthError::RefreshTokenReused => Self::new(ErrorCode::RefreshTokenReused, error.to_string()),
            AuthError::Unauthenticated => Self::unauthenticated(true),
            AuthError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UsersError> for ApiError {
    fn from(error: UsersError) -> Self {
        match error {
            UsersError::Denied(denied) => denied.into(),
            UsersError::NotFound => Self::new(ErrorCode::NotFound, error.to_string()),
            UsersError::Invalid(invalid) => invalid.into(),
            UsersError::UsernameTaken => Self::taken(ErrorCode::UsernameTaken, "username", error.to_string()),
            UsersError::EmailTaken => Self::taken(ErrorCode::EmailTaken, "email", error.to_string()),
            UsersError::ExternalIdTaken => Self::taken(ErrorCode::ExternalIdTaken, "external_id", error.to_string()),
            UsersError::CannotTargetSelf => Self::new(ErrorCode::CannotTargetSelf, error.to_string()),
            UsersError::LastAdmin => Self::new(ErrorCode::LastAdmin, error.to_string()),
            UsersError::WrongStatus(_) => Self::new(ErrorCode::WrongStatus, error.to_string()),
            UsersError::VersionMismatch => Self::new(ErrorCode::VersionMismatch, error.to_string()),
            UsersError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            UsersError::CurrentPasswordIncorrect => Self::new(ErrorCode::CurrentPasswordIncorrect, error.to_string()),
            UsersError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RegistrationError> for ApiError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Closed => Self::new(ErrorCode::RegistrationClosed, error.to_string()),
            RegistrationError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            RegistrationError::Account(refusal) => refusal.into(),
            RegistrationError::Session(refusal) => refusal.into(),
            RegistrationError::Failure(failure) => failure.into(),
        }
    }
}

impl From<MailboxError> for ApiError {
    fn from(error: MailboxError) -> Self {
        match error {
            MailboxError::InvalidOrExpiredToken => Self::new(ErrorCode::InvalidOrExpiredToken, error.to_string()),
            MailboxError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            MailboxError::Account(refusal) => refusal.into(),
            MailboxError::Failure(failure) => failure.into(),
        }
    }
}

impl From<SessionsError> for ApiError {
    fn from(error: SessionsError) -> Self {
        match error {
            SessionsError::Denied(denied) => denied.into(),
            SessionsError::NotFound => Self::new(ErrorCode::NotFound, error.to_string()),
            SessionsError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RolesError> for ApiError {
    fn from(error: RolesError) -> Self {
        match error {
            RolesError::Denied(denied) => denied.into(),
            RolesError::NotFound => Self::new(ErrorCode::NotFound, error.to_string()),
            RolesError::Invalid(invalid) => invalid.into(),
            RolesError::NameTaken => Self::taken(ErrorCode::RoleNameTaken, "name", error.to_string()),
            RolesError::InUse(_) => Self::new(ErrorCode::RoleInUse, error.to_string()),
            RolesError::BuiltIn => Self::new(ErrorCode::RoleBuiltIn, error.to_string()),
            RolesError::VersionMismatch => Self::new(ErrorCode::VersionMismatch, error.to_string()),
            RolesError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ActivityError> for ApiError {
    fn from(error: ActivityError) -> Self {
        match error {
            ActivityError::Denied(denied) => denied.into(),
            ActivityError::Failure(failure) => failure.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Forbidden => ErrorCode::Forbidden,
            Denied::PasswordChangeRequired => ErrorCode::PasswordChangeRequired,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<ValidationError> for ApiError {
    fn from(invalid: ValidationError) -> Self {
        let faults = invalid.faults().to_vec();
        if invalid.is_weak_password() {
            return Self::new(ErrorCode::WeakPassword, "the password will not do: see details").with_details(faults);
        }
        Self::invalid_fields(faults)
    }
}

/// The log gets the whole chain of causes, the client none of it.
impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy { retry_after } => {
                Self::new(ErrorCode::Busy, "too much to do at the moment").retry_after(retry_after)
            }
            Failure::Unavailable(_) => {
                tracing::error!(error = ?Chain(&failure).to_string(), "a dependency is out of reach");
                Self::unavailable("the service is not available at the moment")
            }
            Failure::Internal(_) => {
                tracing::error!(error = ?Chain(&failure).to_string(), "internal error");
                Self::internal()
            }
        }
    }
}

/// An error and all its causes in one line.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
