use std::fmt;

use actix_web::http::StatusCode;

macro_rules! error_codes {
    ($($status:ident { $($variant:ident = $text:literal, $summary:literal;)+ })+) => {
        /// The codes that an error answer can carry. Closed: clients switch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode { $($(#[doc = $summary] $variant,)+)+ }

        impl ErrorCode {
            /// Every code, in the order of their statuses.
            pub const ALL: &[Self] = &[$($(Self::$variant),+),+];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $text,)+)+ }
            }

            /// The status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $($(Self::$variant)|+ => StatusCode::$status,)+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $($(Self::$variant => $summary,)+)+ }
            }
        }
    };
}

error_codes! {
    BAD_REQUEST {
        MalformedRequest = "MALFORMED_REQUEST", "The body is not JSON that is accepted here.";
        InvalidCursor = "INVALID_CURSOR", "The cursor is not one of this list.";
        InvalidOrExpiredToken = "INVALID_OR_EXPIRED_TOKEN", "The one-time token is unknown, used or too old.";
    }
    UNAUTHORIZED {
        Unauthenticated = "UNAUTHENTICATED", "There is no access token, or it is not good any more.";
        InvalidCredentials = "INVALID_CREDENTIALS", "The name or the password is not correct.";
        RefreshTokenInvalid = "REFRESH_TOKEN_INVALID", "The refresh token is not good, or not any more.";
        RefreshTokenReused = "REFRESH_TOKEN_REUSED", "The refresh token was used before: its session has ended.";
    }
    FORBIDDEN {
        Forbidden = "FORBIDDEN", "The caller may not do this.";
        PasswordChangeRequired = "PASSWORD_CHANGE_REQUIRED", "The caller must change his password first.";
        RegistrationClosed = "REGISTRATION_CLOSED", "Nobody can sign up here.";
        CrossSiteRequest = "CROSS_SITE_REQUEST", "A page of another site made the request, or could have.";
    }
    NOT_FOUND {
        NotFound = "NOT_FOUND", "There is nothing here, or nothing that the caller may know of.";
    }
    METHOD_NOT_ALLOWED {
        MethodNotAllowed = "METHOD_NOT_ALLOWED", "The path does not have this method; `Allow` lists those it has.";
    }
    REQUEST_TIMEOUT {
        RequestTimeout = "REQUEST_TIMEOUT", "The body took too long to arrive.";
    }
    PAYLOAD_TOO_LARGE {
        PayloadTooLarge = "PAYLOAD_TOO_LARGE", "The body is too large.";
    }
    UNSUPPORTED_MEDIA_TYPE {
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", "The body must be `application/json`, not compressed.";
    }
    REQUEST_HEADER_FIELDS_TOO_LARGE {
        HeadersTooLarge = "HEADERS_TOO_LARGE", "The header fields are too large.";
    }
    CONFLICT {
        UsernameTaken = "USERNAME_TAKEN", "Somebody has the username.";
        EmailTaken = "EMAIL_TAKEN", "Somebody has the e-mail address.";
        ExternalIdTaken = "EXTERNAL_ID_TAKEN", "Somebody has the external id.";
        RoleNameTaken = "ROLE_NAME_TAKEN", "There is a role of that name.";
        RoleInUse = "ROLE_IN_USE", "Somebody has the role.";
        RoleBuiltIn = "ROLE_BUILT_IN", "The role is built in.";
        CannotTargetSelf = "CANNOT_TARGET_SELF", "Nobody does this to himself.";
        LastAdmin = "LAST_ADMIN", "There must be an administrator.";
        WrongStatus = "WRONG_STATUS", "The account is not in a state for this.";
    }
    PRECONDITION_FAILED {
        VersionMismatch = "VERSION_MISMATCH", "It has changed since it was read.";
    }
    UNPROCESSABLE_ENTITY {
        ValidationFailed = "VALIDATION_FAILED", "What was sent is not valid; `details` say where and why.";
        WeakPassword = "WEAK_PASSWORD", "The new password will not do; `details` say why.";
        CurrentPasswordIncorrect = "CURRENT_PASSWORD_INCORRECT", "The current password is not correct.";
        UseDedicatedEndpoint = "USE_DEDICATED_ENDPOINT", "There is a route of its own for this.";
    }
    TOO_MANY_REQUESTS {
        TooManyAttempts = "TOO_MANY_ATTEMPTS", "Too many attempts; `Retry-After` says when to come back.";
    }
    INTERNAL_SERVER_ERROR {
        Internal = "INTERNAL", "Something went wrong on our side.";
    }
    SERVICE_UNAVAILABLE {
        Busy = "BUSY", "Too much to do; nothing was done, and repeating is safe.";
        Unavailable = "UNAVAILABLE", "Something that is needed is out of reach; repeating is safe.";
        Timeout = "TIMEOUT", "It took too long; repeating is safe.";
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
