//! How mails are written: the built-in templates, and those that somebody put in their place.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value};
use usher_domain::{Languages, MailKind, TokenKind};

use crate::failure::chain;

/// Every template that there is, as it is built in.
macro_rules! built_in {
    ($($name:literal)+) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),+]
    };
}

const BUILT_IN: &[(&str, &str)] = built_in! {
    "layout.html"
    "sign_up.txt" "sign_up.html"
    "sign_up_taken.txt" "sign_up_taken.html"
    "verify_email.txt" "verify_email.html"
    "change_email.txt" "change_email.html"
    "change_email_taken.txt" "change_email_taken.html"
    "reset_password.txt" "reset_password.html"
    "invite.txt" "invite.html"
    "password_changed.txt" "password_changed.html"
    "email_change_requested.txt" "email_change_requested.html"
    "email_changed.txt" "email_changed.html"
    "refresh_reused.txt" "refresh_reused.html"
};

/// What the first line of a text begins with; the rest of it is the subject.
const SUBJECT: &str = "Subject: ";

/// A template that somebody wants in place of a built-in one.
#[derive(Debug, Clone)]
pub struct TemplateOverride {
    /// The language that it is in; none for the one that is used where no other fits.
    pub locale: Option<String>,
    /// Its name, such as `reset_password.txt`.
    pub name: String,
    /// What is in it, in the language of Jinja.
    pub source: String,
}

/// A template that will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct InvalidTemplate {
    /// Which one, with its language before it.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a mail tells of.
#[derive(Debug)]
pub(super) struct Content<'a> {
    /// What the service is called.
    pub(super) service: &'a str,
    /// To whom.
    pub(super) email: &'a str,
    /// The name of the account.
    pub(super) username: &'a str,
    /// The moment that it tells of.
    pub(super) time: &'a str,
    /// From where whoever caused it came.
    pub(super) ip: Option<&'a str>,
    /// What to open.
    pub(super) link: Option<&'a str>,
    /// Until when.
    pub(super) expires_at: Option<&'a str>,
}

impl Content<'_> {
    /// What templates are given. What there is not is an empty text, which shows as nothing.
    fn values(&self, subject: &str) -> Value {
        let Self { service, email, username, time, ip, link, expires_at } = *self;
        Value::from_pairs([
            ("subject", Value::from(subject)),
            ("service", service.into()),
            ("email", email.into()),
            ("username", username.into()),
            ("time", time.into()),
            ("ip", ip.unwrap_or_default().into()),
            ("link", link.unwrap_or_default().into()),
            ("expires_at", expires_at.unwrap_or_default().into()),
        ])
    }
}

/// A mail as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// All templates, in all languages.
#[derive(Debug)]
pub struct Templates {
    default: Environment<'static>,
    locales: BTreeMap<String, Environment<'static>>,
}

impl Templates {
    /// Those that are built in, in English.
    ///
    /// # Errors
    /// None, unless one that is built in is broken.
    pub fn built_in() -> Result<Self, InvalidTemplate> {
        Self::with_overrides(&[])
    }

    /// Those that are built in, and others in their place. Each is tried once. In another language a mail
    /// goes out as the ones without a language say unless both its forms are there.
    ///
    /// # Errors
    /// [`InvalidTemplate`] for a name that there is not, and for a template that cannot be read, names what
    /// it is not given, or whose text does not begin with a subject.
    pub fn with_overrides(overrides: &[TemplateOverride]) -> Result<Self, InvalidTemplate> {
        for one in overrides {
            if !BUILT_IN.iter().any(|(name, _)| *name == one.name) {
                let known: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                return Err(one.invalid(format!("there is no such mail: there are {}", known.join(", "))));
            }
        }
        let default = environment(overrides, None)?;
        let mut locales = BTreeMap::new();
        for locale in overrides.iter().filter_map(|one| one.locale.as_deref()) {
            if !locales.contains_key(locale) {
                locales.insert(locale.to_owned(), environment(overrides, Some(locale))?);
            }
        }
        let templates = Self { default, locales };
        templates.try_all()?;
        Ok(templates)
    }

    /// Writes a mail, in the language that fits best.
    pub(super) fn write(
        &self,
        kind: MailKind,
        languages: &Languages,
        content: &Content<'_>,
    ) -> Result<Written, minijinja::Error> {
        let offered: Vec<_> =
            self.locales.iter().filter(|(_, environment)| has(environment, kind)).map(|(name, _)| &**name).collect();
        let chosen = languages.best_of(&offered).and_then(|locale| self.locales.get(locale));
        write(chosen.unwrap_or(&self.default), kind, content)
    }

    fn try_all(&self) -> Result<(), InvalidTemplate> {
        let named = self.locales.iter().map(|(locale, environment)| (format!("{locale}/"), environment));
        for (folder, environment) in named.chain([(String::new(), &self.default)]) {
            for &kind in MailKind::ALL.iter().filter(|kind| has(environment, **kind)) {
                try_one(environment, kind)
                    .map_err(|problem| InvalidTemplate { name: format!("{folder}{kind}"), problem })?;
            }
        }
        Ok(())
    }
}

impl TemplateOverride {
    fn invalid(&self, problem: String) -> InvalidTemplate {
        let folder = self.locale.as_ref().map(|locale| format!("{locale}/")).unwrap_or_default();
        InvalidTemplate { name: format!("{folder}{}", self.name), problem }
    }
}

/// The templates of one language: its own, and of the others the layout. Without a language, all.
fn environment(overrides: &[TemplateOverride], locale: Option<&str>) -> Result<Environment<'static>, InvalidTemplate> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in BUILT_IN.iter().filter(|(name, _)| locale.is_none() || *name == "layout.html") {
        let added = environment.add_template(name, source);
        added.map_err(|error| InvalidTemplate { name: (*name).to_owned(), problem: chain(&error) })?;
    }
    let general =
        overrides.iter().filter(|one| one.locale.is_none() && (locale.is_none() || one.name == "layout.html"));
    let own = overrides.iter().filter(|one| one.locale.is_some() && one.locale.as_deref() == locale);
    for one in general.chain(own) {
        let added = environment.add_template_owned(one.name.clone(), one.source.clone());
        added.map_err(|error| one.invalid(chain(&error)))?;
    }
    Ok(environment)
}

fn has(environment: &Environment<'_>, kind: MailKind) -> bool {
    ["txt", "html"].iter().all(|form| environment.get_template(&format!("{kind}.{form}")).is_ok())
}

fn write(environment: &Environment<'_>, kind: MailKind, content: &Content<'_>) -> Result<Written, minijinja::Error> {
    let template = |form: &str| format!("{kind}.{form}");
    let text = environment.get_template(&template("txt"))?.render(content.values(""))?;
    let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
    let subject = subject.strip_prefix(SUBJECT).unwrap_or_default().trim();
    let html = environment.get_template(&template("html"))?.render(content.values(subject))?;
    Ok(Written { subject: subject.to_owned(), text: text.trim_start_matches('\n').to_owned(), html })
}

fn try_one(environment: &Environment<'_>, kind: MailKind) -> Result<(), String> {
    let sample = Content {
        service: "usher",
        email: "ada@example.org",
        username: "ada",
        time: "2026-11-21 17:30 UTC",
        ip: Some("192.0.2.1"),
        link: brings_link(kind).then_some("a-sample-of-a-link"),
        expires_at: brings_link(kind).then_some("2026-11-21 18:00 UTC"),
    };
    let written = write(environment, kind, &sample).map_err(|error| chain(&error))?;
    if written.subject.is_empty() {
        return Err(format!("the first line of the text must be {SUBJECT:?} and what the mail is about"));
    }
    let link = sample.link.unwrap_or_default();
    for (form, shown) in [("text", written.text), ("HTML", written.html)] {
        if !shown.contains(link) {
            return Err(format!("the {form} does not show {{{{ link }}}}"));
        }
    }
    Ok(())
}

fn brings_link(kind: MailKind) -> bool {
    TokenKind::ALL.iter().any(|token| MailKind::from(*token) == kind)
}
