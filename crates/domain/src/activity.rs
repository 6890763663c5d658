//! The activity log: what happened, who did it, to whom, from where.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{ActivityId, Actor, ClientInfo, Fault, FaultCode, RequestId, Timestamp, UserId};

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire and at rest.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Fault;

            fn from_str(text: &str) -> Result<Self, $crate::Fault> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::Fault::new(
                        $crate::FaultCode::UnknownValue,
                        concat!("must be one of:", $(" ", $text),+),
                    )),
                }
            }
        }
    };
}
pub(crate) use text_enum;

text_enum! {
    /// The closed list of what is written down.
    Action {
        /// An administrator or the system made an account.
        UserCreated = "user.created",
        /// Somebody made his own account.
        UserSignedUp = "user.signed_up",
        /// An account was made for somebody who is asked to set a password.
        UserInvited = "user.invited",
        /// Names, address, external id or metadata changed.
        UserUpdated = "user.updated",
        /// An account was shut, reversibly.
        UserDeactivated = "user.deactivated",
        /// A shut account was opened again.
        UserActivated = "user.activated",
        /// An account was deleted softly.
        UserDeleted = "user.deleted",
        /// A softly deleted account came back.
        UserRestored = "user.restored",
        /// An account was deleted for ever.
        UserPurged = "user.purged",
        /// Roles were given or taken.
        UserRolesChanged = "user.roles_changed",
        /// Somebody signed in, or tried to.
        AuthLogin = "auth.login",
        /// Somebody signed out.
        AuthLogout = "auth.logout",
        /// A refresh token was used twice.
        AuthRefreshReused = "auth.refresh_reused",
        /// Attempts were turned away unchecked.
        AuthThrottled = "auth.throttled",
        /// A permission was lacking.
        AuthAccessDenied = "auth.access_denied",
        /// A session was ended by name.
        SessionRevoked = "session.revoked",
        /// Somebody changed his own password.
        PasswordChanged = "password.changed",
        /// Somebody else set a password.
        PasswordSet = "password.set",
        /// A reset was asked for.
        PasswordResetRequested = "password.reset_requested",
        /// A password was set through a reset.
        PasswordReset = "password.reset",
        /// Somebody took his data with him.
        UserDataExported = "user.data_exported",
        /// A mail could not be delivered within its life.
        MailFailed = "mail.failed",
        /// A new address was asked for.
        EmailChangeRequested = "email.change_requested",
        /// A new address is in force.
        EmailChanged = "email.changed",
        /// An address was proven.
        EmailVerified = "email.verified",
        /// A role was made.
        RoleCreated = "role.created",
        /// A role changed.
        RoleUpdated = "role.updated",
        /// A role is gone.
        RoleDeleted = "role.deleted",
        /// A signing key took over.
        KeyRotated = "key.rotated",
        /// The first administrator was made.
        SystemBootstrapped = "system.bootstrapped",
    }
}

text_enum! {
    /// How it ended.
    Outcome {
        /// It was done.
        Success = "success",
        /// It was refused.
        Failure = "failure",
    }
}

/// What else is worth knowing about an entry: a small JSON object without secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Details(Map<String, Value>);

impl Details {
    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A fact that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The facts.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Takes what was stored.
    ///
    /// # Errors
    /// [`FaultCode::WrongType`] if it is no JSON object.
    pub fn from_stored(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Fault::new(FaultCode::WrongType, "must be a JSON object")),
        }
    }
}

/// One line of the log. Written once, in the transaction of what it tells of, and never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityEntry {
    /// Its name.
    pub id: ActivityId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who did it; none for the system and for strangers.
    pub actor: Option<UserId>,
    /// To whom it was done.
    pub subject: Option<UserId>,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// With which program.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: Option<RequestId>,
    /// What else is worth knowing.
    pub details: Details,
}

impl ActivityEntry {
    /// A success of this actor.
    #[must_use]
    pub fn by(actor: &Actor, action: Action, id: ActivityId, now: Timestamp) -> Self {
        let mut entry = Self::from_client(actor.client(), action, id, now);
        entry.actor = actor.user_id();
        entry
    }

    /// A success of somebody who is not signed in.
    #[must_use]
    pub fn from_client(client: &ClientInfo, action: Action, id: ActivityId, now: Timestamp) -> Self {
        Self {
            id,
            occurred_at: now,
            actor: None,
            subject: None,
            action,
            outcome: Outcome::Success,
            ip: client.ip,
            user_agent: client.user_agent().map(str::to_owned),
            request_id: client.request_id.clone(),
            details: Details::default(),
        }
    }

    /// Whom it concerns.
    #[must_use]
    pub fn about(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// That it was refused.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.outcome = Outcome::Failure;
        self
    }

    /// What else is worth knowing.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = details;
        self
    }
}

/// Where an entry stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActivityPlace {
    /// When it was made.
    pub occurred_at: Timestamp,
    /// Its id, for entries of one moment.
    pub id: ActivityId,
}

impl ActivityEntry {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> ActivityPlace {
        ActivityPlace { occurred_at: self.occurred_at, id: self.id }
    }
}

/// Which entries are asked for; everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Entries about this user.
    pub subject: Option<UserId>,
    /// Entries of this user's doing.
    pub actor: Option<UserId>,
    /// Entries of any of these actions; of all actions if empty.
    pub actions: Vec<Action>,
    /// Entries that ended so.
    pub outcome: Option<Outcome>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}
