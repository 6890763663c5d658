//! Mail for the tests: what is sent to whom, and the tokens in it.

use usher_domain::{MailKind, User};
use usher_service::{LinkTemplate, Mail, MailLinks, Stationery, TemplateOverride, Templates, UserDraft};

use crate::fixture::{TestApi, draft};

/// Where the links of all mails begin.
pub(crate) const PAGES: &str = "https://id.example.org/pages/";

pub(crate) const ADA: &str = "ada@example.org";

/// Another password that will do.
pub(crate) const NEW_PASSWORD: &str = "Difference-Engine-1822";

pub(crate) fn stationery(templates: &[TemplateOverride]) -> Stationery {
    let page = |page: &str| LinkTemplate::of_page(&format!("{PAGES}{page}"));
    let links =
        MailLinks { reset: page("reset-password"), verify: page("verify-email"), invite: page("accept-invitation") };
    Stationery { service: "Example".to_owned(), links, templates: Templates::with_overrides(templates).unwrap() }
}

impl TestApi {
    /// Somebody with an address that is not proven.
    pub(crate) async fn make_with_address(&self, username: &str, email: &str) -> User {
        self.make(UserDraft { email: Some(email.to_owned()), ..draft(username) }).await
    }

    /// Every mail so far, after everything that is due was worked off.
    pub(crate) async fn mails(&self) -> Vec<Mail> {
        while self.dispatcher.answer_requests().await.unwrap() > 0 {}
        while self.dispatcher.send_next().await.unwrap() {}
        self.mailer.mails()
    }

    /// The same: to whom, and which.
    pub(crate) async fn arrived(&self) -> Vec<(String, MailKind)> {
        self.mails().await.iter().map(|mail| (mail.to.to_string(), mail.kind)).collect()
    }

    /// The token that the last mail of this kind brought.
    pub(crate) async fn mailed_token(&self, kind: MailKind) -> String {
        let mails = self.mails().await;
        token_in(mails.iter().rev().find(|mail| mail.kind == kind).expect("such a mail has arrived"))
    }
}

/// The token in the link of a mail.
pub(crate) fn token_in(mail: &Mail) -> String {
    let (_, rest) = mail.text.split_once("#token=").expect("a link with a token");
    rest.split_whitespace().next().unwrap().to_owned()
}
