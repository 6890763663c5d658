//! A session: one login on one device, however often its tokens are renewed.

use std::net::IpAddr;

use crate::{SessionId, Timestamp, UserId, activity::text_enum};

text_enum! {
    /// Why a session ended before its time.
    RevokeReason {
        /// Its owner signed out.
        Logout = "logout",
        /// Its owner ended it from elsewhere.
        EndedByOwner = "ended_by_owner",
        /// An administrator ended it.
        EndedByAdmin = "ended_by_admin",
        /// The same browser signed in anew.
        Replaced = "replaced",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The password was reset, or set by somebody else.
        PasswordReset = "password_reset",
        /// The account was deactivated.
        Deactivated = "deactivated",
        /// The account was deleted.
        Deleted = "deleted",
        /// A refresh token was used twice.
        RefreshReused = "refresh_reused",
        /// The master key was changed, and with it the key of all refresh tokens.
        MasterKeyChanged = "master_key_changed",
    }
}

text_enum! {
    /// How the owner proved who he is (RFC 8176).
    Amr {
        /// By a password.
        Password = "pwd",
    }
}

/// When and why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The moment from which its tokens are refused.
    pub at: Timestamp,
    /// The reason.
    pub reason: RevokeReason,
}

/// One login. No token rests with it: its tokens are made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name, `sid` in tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How often its refresh token was renewed.
    pub generation: u32,
    /// When it was last renewed.
    pub rotated_at: Timestamp,
    /// When its owner signed in.
    pub created_at: Timestamp,
    /// When it last showed life.
    pub last_used_at: Timestamp,
    /// When it ends if it is not renewed before.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Its end before its time.
    pub revoked: Option<Revocation>,
    /// From which address it was opened.
    pub ip: Option<IpAddr>,
    /// With which program.
    pub user_agent: Option<String>,
    /// How its owner proved who he is.
    pub amr: Vec<Amr>,
}

impl Session {
    /// Whether its tokens are good.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.idle_expires_at && now < self.expires_at
    }
}
