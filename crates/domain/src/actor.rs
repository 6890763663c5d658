//! Who acts, and what he may.

use std::sync::Arc;

use crate::{ClientInfo, Permission, Permissions, SessionId, User, UserId};

/// On whose behalf something is done, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    principal: Principal,
    client: ClientInfo,
}

/// Who an [`Actor`] is.
#[derive(Debug, Clone)]
pub enum Principal {
    /// The command line, a job, or a service that has usher built in.
    System,
    /// Somebody who is signed in, as the database has him (at most one second old).
    User {
        /// The account.
        user: Arc<User>,
        /// The login that he acts through.
        session: SessionId,
    },
}

/// Why an actor may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// His password must be changed before anything else.
    #[error("the password must be changed first")]
    PasswordChangeRequired,
    /// He lacks the permission.
    #[error("this needs a permission that the actor does not have")]
    Forbidden,
}

impl Actor {
    /// The system itself; it may do everything.
    #[must_use]
    pub fn system() -> Self {
        Self { principal: Principal::System, client: ClientInfo::default() }
    }

    /// A user who is signed in.
    #[must_use]
    pub fn user(user: Arc<User>, session: SessionId, client: ClientInfo) -> Self {
        Self { principal: Principal::User { user, session }, client }
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the request came from.
    #[must_use]
    pub fn client(&self) -> &ClientInfo {
        &self.client
    }

    /// The user's id; none for the system.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match &self.principal {
            Principal::System => None,
            Principal::User { user, .. } => Some(user.id),
        }
    }

    /// The login that the user acts through; none for the system.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match &self.principal {
            Principal::System => None,
            Principal::User { session, .. } => Some(*session),
        }
    }

    /// Whether the actor is this user.
    #[must_use]
    pub fn is(&self, user: UserId) -> bool {
        self.user_id() == Some(user)
    }

    /// Asks whether the actor may do anything at all beyond changing his password.
    ///
    /// # Errors
    /// [`Denied::PasswordChangeRequired`].
    pub fn require_settled(&self) -> Result<(), Denied> {
        match &self.principal {
            Principal::User { user, .. } if user.must_change_password => Err(Denied::PasswordChangeRequired),
            Principal::User { .. } | Principal::System => Ok(()),
        }
    }

    /// Asks for a permission; a password that must be changed comes before any permission.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn require(&self, permission: &Permission) -> Result<(), Denied> {
        self.require_settled()?;
        match &self.principal {
            Principal::System => Ok(()),
            Principal::User { user, .. } if user.permissions.allow(permission) => Ok(()),
            Principal::User { .. } => Err(Denied::Forbidden),
        }
    }

    /// Asks that everything another may do, the actor may too: the rule against escalation.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn require_cover(&self, other: &Permissions) -> Result<(), Denied> {
        self.require_settled()?;
        match &self.principal {
            Principal::System => Ok(()),
            Principal::User { user, .. } if user.permissions.cover(other) => Ok(()),
            Principal::User { .. } => Err(Denied::Forbidden),
        }
    }
}
