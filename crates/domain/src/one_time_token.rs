//! One-time tokens: secrets that are mailed to somebody, each good for one thing, once.

use crate::{EmailAddress, FullName, OneTimeTokenId, Timestamp, TokenHash, UserId, Username, activity::text_enum};

text_enum! {
    /// The closed list of what one-time tokens are good for.
    TokenKind {
        /// Making an account whose address is proven first.
        SignUp = "sign_up",
        /// Proving the address that an account has.
        VerifyEmail = "verify_email",
        /// Proving the address that an account is to have.
        ChangeEmail = "change_email",
        /// Setting another password.
        ResetPassword = "reset_password",
        /// Setting the first password.
        Invite = "invite",
    }
}

/// What one token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPurpose {
    /// To make this account. Nothing of it exists before.
    SignUp(PendingSignUp),
    /// To prove that this address, which the account has, is its owner's.
    VerifyEmail {
        /// Whose.
        user: UserId,
        /// Which.
        email: EmailAddress,
    },
    /// To give the account this address.
    ChangeEmail {
        /// Whose.
        user: UserId,
        /// The new one.
        email: EmailAddress,
    },
    /// To set another password.
    ResetPassword {
        /// Whose.
        user: UserId,
    },
    /// To set the first password.
    Invite {
        /// Whose.
        user: UserId,
    },
}

/// An account that somebody wants whose address is not proven yet. It has no password: whoever reads the
/// mail chooses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSignUp {
    /// The name to sign in with.
    pub username: Username,
    /// The address.
    pub email: EmailAddress,
    /// What the person is called.
    pub full_name: Option<FullName>,
}

impl TokenPurpose {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        match self {
            Self::SignUp(_) => TokenKind::SignUp,
            Self::VerifyEmail { .. } => TokenKind::VerifyEmail,
            Self::ChangeEmail { .. } => TokenKind::ChangeEmail,
            Self::ResetPassword { .. } => TokenKind::ResetPassword,
            Self::Invite { .. } => TokenKind::Invite,
        }
    }

    /// The account that it is for; none where there is no account yet.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::SignUp(_) => None,
            Self::VerifyEmail { user, .. }
            | Self::ChangeEmail { user, .. }
            | Self::ResetPassword { user }
            | Self::Invite { user } => Some(*user),
        }
    }
}

/// A one-time token as it rests: its digest, never itself. Deleted when it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeToken {
    /// Its name; the token is made from it.
    pub id: OneTimeTokenId,
    /// What it is known by.
    pub hash: TokenHash,
    /// What it is good for.
    pub purpose: TokenPurpose,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl OneTimeToken {
    /// The most that one account may have of one kind at a time.
    pub const MOST_OF_A_KIND: usize = 3;

    /// Whether it is still good.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
