use std::str::FromStr;

use usher_domain::{PlainToken, TokenKind};

/// What a token takes the place of.
const PLACEHOLDER: &str = "{token}";

/// The address of a page that takes a token, with `{token}` where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTemplate(String);

/// A text that is no [`LinkTemplate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must hold {{token}} once")]
pub struct InvalidLinkTemplate;

impl FromStr for LinkTemplate {
    type Err = InvalidLinkTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidLinkTemplate> {
        if text.matches(PLACEHOLDER).count() == 1 { Ok(Self(text.to_owned())) } else { Err(InvalidLinkTemplate) }
    }
}

impl LinkTemplate {
    fn with(&self, token: &PlainToken) -> String {
        self.0.replace(PLACEHOLDER, token.expose())
    }
}

/// Where the links in mails lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLinks {
    /// To set another password.
    pub reset: LinkTemplate,
    /// To prove an address, or to sign up with it.
    pub verify: LinkTemplate,
    /// To accept an invitation.
    pub invite: LinkTemplate,
}

impl MailLinks {
    /// The link for a token. It is a secret.
    pub(super) fn to(&self, kind: TokenKind, token: &PlainToken) -> String {
        let template = match kind {
            TokenKind::ResetPassword => &self.reset,
            TokenKind::SignUp | TokenKind::VerifyEmail | TokenKind::ChangeEmail => &self.verify,
            TokenKind::Invite => &self.invite,
        };
        template.with(token)
    }
}
