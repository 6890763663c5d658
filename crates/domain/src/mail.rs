//! Mails that are to be sent, and wishes for one.

use std::net::IpAddr;

use crate::{
    Details, EmailAddress, Languages, MailId, MailRequestId, OneTimeTokenId, RequestId, Timestamp, TokenKind, UserId,
    activity::text_enum,
};

text_enum! {
    /// The closed list of mails. Each has a template of its name.
    MailKind {
        /// A link to make an account with.
        SignUp = "sign_up",
        /// Somebody wanted an account with an address that has one: to its owner.
        SignUpTaken = "sign_up_taken",
        /// A link to prove an address with.
        VerifyEmail = "verify_email",
        /// A link to prove a new address with: to that one.
        ChangeEmail = "change_email",
        /// Somebody wanted to give his account an address that another has: to its owner.
        ChangeEmailTaken = "change_email_taken",
        /// A link to set another password with.
        ResetPassword = "reset_password",
        /// A link to set the first password with.
        Invite = "invite",
        /// That the password was changed.
        PasswordChanged = "password_changed",
        /// That another address was asked for: to the old one.
        EmailChangeRequested = "email_change_requested",
        /// That another address is in force: to the old one.
        EmailChanged = "email_changed",
        /// That a refresh token was used twice, so somebody else had a copy of it.
        RefreshReused = "refresh_reused",
    }
}

impl From<TokenKind> for MailKind {
    /// The mail that brings such a token.
    fn from(kind: TokenKind) -> Self {
        match kind {
            TokenKind::SignUp => Self::SignUp,
            TokenKind::VerifyEmail => Self::VerifyEmail,
            TokenKind::ChangeEmail => Self::ChangeEmail,
            TokenKind::ResetPassword => Self::ResetPassword,
            TokenKind::Invite => Self::Invite,
        }
    }
}

/// A mail in the queue. It is written when it is sent, so it holds no secret.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedMail {
    /// Its name, which is its `Message-ID` too.
    pub id: MailId,
    /// Which one it is.
    pub kind: MailKind,
    /// To whom.
    pub recipient: EmailAddress,
    /// The account that it is about; none where there is none yet.
    pub user: Option<UserId>,
    /// The token that it brings.
    pub token: Option<OneTimeTokenId>,
    /// What it tells of.
    pub facts: Details,
    /// The languages that whoever caused it asked for.
    pub languages: Languages,
    /// How often sending it was begun.
    pub attempts: u32,
    /// Not to be sent before.
    pub not_before: Timestamp,
    /// Not to be sent any more.
    pub expires_at: Timestamp,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

text_enum! {
    /// What anybody may wish for.
    MailRequestKind {
        /// A link to set another password with.
        ResetPassword = "reset_password",
        /// A link to prove an address with.
        VerifyEmail = "verify_email",
    }
}

/// Somebody's wish that a mail be sent to an address. Written down before anybody looks whether there is
/// an account, so that this shows in nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRequest {
    /// Its name.
    pub id: MailRequestId,
    /// What is wished for.
    pub kind: MailRequestKind,
    /// The address, in the form that uniqueness is decided on.
    pub email: EmailAddress,
    /// From which address of the network.
    pub ip: Option<IpAddr>,
    /// In which request.
    pub request_id: Option<RequestId>,
    /// The languages that the client asked for.
    pub languages: Languages,
    /// When.
    pub created_at: Timestamp,
}

/// What waits in the queue of mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailBacklog {
    /// How many mails.
    pub count: u64,
    /// Since when the oldest one waits.
    pub oldest: Option<Timestamp>,
}
