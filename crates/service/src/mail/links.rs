use std::str::FromStr;

use usher_domain::{PlainToken, TokenKind};

/// What a token takes the place of.
const PLACEHOLDER: &str = "{token}";

/// The address of a page that takes a token, with `{token}` where it goes: in the fragment or in the path. In a
/// query it would stand in logs and be told to other sites, in the name of the host to name servers too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTemplate(String);

/// A text that is no [`LinkTemplate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must hold {{token}} once, in the fragment or in the path")]
pub struct InvalidLinkTemplate;

impl FromStr for LinkTemplate {
    type Err = InvalidLinkTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidLinkTemplate> {
        let before = text.split_once(PLACEHOLDER).map(|(before, _)| before).ok_or(InvalidLinkTemplate)?;
        let in_page = before.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '#']));
        let in_query = before.contains('?') && !before.contains('#');
        let once = text.matches(PLACEHOLDER).count() == 1;
        if once && in_page && !in_query { Ok(Self(text.to_owned())) } else { Err(InvalidLinkTemplate) }
    }
}

impl LinkTemplate {
    /// A page that finds the token in its fragment, as `token`.
    #[must_use]
    pub fn of_page(address: &str) -> Self {
        Self(format!("{address}#token={PLACEHOLDER}"))
    }

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
