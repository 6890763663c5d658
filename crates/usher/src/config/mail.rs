//! What mail is sent with, and what is in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use url::Url;
use usher_adapters::{MailFrom, SmtpLogin, SmtpSettings};
use usher_domain::PlainPassword;
use usher_service::{LinkTemplate, MailLinks, TemplateOverride, Templates, TokenLifetimes};

use super::{Database, Http, PublicUrl, forms::Complaint, keys, keys::Key, reader::Reader};

/// Mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Where it goes.
    pub transport: MailTransport,
    /// Whom it is from.
    pub from: MailFrom,
    /// Where its links lead, as far as not to usher's own pages.
    pub links: LinkSettings,
    /// Templates in place of the built-in ones.
    pub templates: Vec<TemplateOverride>,
    /// How long the tokens in it are good.
    pub lifetimes: TokenLifetimes,
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum MailTransport {
    /// Into files in this folder, for a developer to look at.
    File(PathBuf),
    /// To a mail server.
    Smtp(SmtpSettings),
    /// Nowhere: none is written.
    None,
}

/// Where links lead. None: to usher's own page.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    reset: Option<LinkTemplate>,
    verify: Option<LinkTemplate>,
    invite: Option<LinkTemplate>,
}

impl LinkSettings {
    /// With usher's own pages below this address, whatever a request says (RS-05).
    pub(crate) fn of(&self, public_url: &PublicUrl) -> MailLinks {
        let or_page = |link: &Option<LinkTemplate>, page: &str| {
            link.clone().unwrap_or_else(|| LinkTemplate::of_page(&format!("{public_url}/pages/{page}")))
        };
        MailLinks {
            reset: or_page(&self.reset, "reset-password"),
            verify: or_page(&self.verify, "verify-email"),
            invite: or_page(&self.invite, "accept-invitation"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    File,
    Smtp,
    None,
}

pub(super) fn mail(reader: &mut Reader, http: &Http, database: &Database) -> Mail {
    let choices = [Choice::File, Choice::Smtp, Choice::None];
    let choice = reader.choice(&keys::MAIL_TRANSPORT, Choice::File, &choices);
    let from = from(reader, &http.public_url, choice);
    let folder = folder(reader, database);
    let smtp = smtp(reader, &from, choice);
    Mail {
        transport: match (choice, smtp) {
            (Choice::File, _) => MailTransport::File(folder),
            (Choice::Smtp, Some(settings)) => MailTransport::Smtp(settings),
            // What is missing was complained of.
            (Choice::Smtp, None) | (Choice::None, _) => MailTransport::None,
        },
        from,
        links: LinkSettings {
            reset: reader.optional(&keys::MAIL_RESET_URL, link),
            verify: reader.optional(&keys::MAIL_VERIFY_URL, link),
            invite: reader.optional(&keys::MAIL_INVITE_URL, link),
        },
        templates: reader.optional(&keys::MAIL_TEMPLATES_DIR, templates).unwrap_or_default(),
        lifetimes: TokenLifetimes {
            reset: reader.duration(&keys::AUTH_RESET_TTL),
            verify: reader.duration(&keys::AUTH_VERIFY_TTL),
            invite: reader.duration(&keys::AUTH_INVITE_TTL),
        },
    }
}

fn from(reader: &mut Reader, public_url: &PublicUrl, choice: Choice) -> MailFrom {
    let given = reader.setting(&keys::MAIL_FROM).is_some();
    require_for_smtp(reader, &keys::MAIL_FROM, given, choice, "write for example Example <no-reply@example.com>");
    reader.fill(&keys::MAIL_FROM, format!("no-reply@{}", public_url.mail_domain()));
    reader.parsed(&keys::MAIL_FROM, MailFrom::nobody(), |text| {
        let complaint = |_| {
            Complaint::new(
                format!("{text:?} is not an address that mail can be from"),
                "write for example Example <no-reply@example.com>",
            )
        };
        MailFrom::parse(text).map_err(complaint)
    })
}

fn folder(reader: &mut Reader, database: &Database) -> PathBuf {
    let beside = database.url.file().map(|file| file.with_file_name("mail"));
    let folder = beside.unwrap_or_else(|| Path::new("data").join("mail"));
    reader.fill(&keys::MAIL_DIR, folder.display().to_string());
    reader.parsed(&keys::MAIL_DIR, folder, |text| Ok(PathBuf::from(text)))
}

fn smtp(reader: &mut Reader, from: &MailFrom, choice: Choice) -> Option<SmtpSettings> {
    let username = reader.optional(&keys::MAIL_SMTP_USERNAME, |text| Ok(text.to_owned()));
    let password = reader.optional(&keys::MAIL_SMTP_PASSWORD, |text| Ok(PlainPassword::new(text.to_owned())));
    let both = username.is_some() == password.is_some();
    reader.require(&[&keys::MAIL_SMTP_USERNAME, &keys::MAIL_SMTP_PASSWORD], both, || {
        Complaint::new("goes with mail.smtp.password, and one of the two is missing", "set both, or neither")
    });
    let login = username.zip(password).map(|(username, password)| SmtpLogin { username, password });
    let settings = reader.optional(&keys::MAIL_SMTP_URL, |url| {
        let settings = SmtpSettings { login: login.clone(), ..SmtpSettings::new(url, from.clone()) };
        let checked = settings.check();
        let remedy = "write smtps://host, smtp://host, or smtp://host?tls=none for a server on this machine";
        checked.map(|()| settings).map_err(|error| Complaint::new(error.to_string(), remedy))
    });
    let given = reader.setting(&keys::MAIL_SMTP_URL).is_some();
    require_for_smtp(reader, &keys::MAIL_SMTP_URL, given, choice, "write for example smtp://mail.example.com");
    settings
}

fn require_for_smtp(reader: &mut Reader, key: &'static Key, given: bool, choice: Choice, remedy: &str) {
    reader.require(&[key], given || choice != Choice::Smtp, || {
        Complaint::new("is missing, and mail.transport is smtp", remedy)
    });
}

fn link(text: &str) -> Result<LinkTemplate, Complaint> {
    let remedy = "write for example https://app.example.com/reset#token={token}";
    let is_address = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_address {
        return Err(Complaint::new(format!("{text:?} is not an http or https address"), remedy));
    }
    text.parse().map_err(|error| Complaint::new(format!("{text:?} {error}"), remedy))
}

/// The templates in a folder: `reset_password.txt`, and in folders of their own those of other languages,
/// `de/reset_password.txt`.
fn templates(folder: &str) -> Result<Vec<TemplateOverride>, Complaint> {
    let overrides = read_templates(Path::new(folder))?;
    let checked = Templates::with_overrides(&overrides);
    let remedy = "correct the template, or take it away: the built-in one is then used";
    checked.map(|_| overrides).map_err(|error| Complaint::new(format!("{folder}/{error}"), remedy))
}

fn read_templates(folder: &Path) -> Result<Vec<TemplateOverride>, Complaint> {
    let mut overrides = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            let locale = name(&path);
            for path in entries(&path)? {
                overrides.push(read_template(&path, Some(locale.clone()))?);
            }
        } else {
            overrides.push(read_template(&path, None)?);
        }
    }
    Ok(overrides)
}

fn read_template(path: &Path, locale: Option<String>) -> Result<TemplateOverride, Complaint> {
    let source = fs::read_to_string(path);
    let source = source.map_err(|error| unreadable(path, &error, "write a text in UTF-8 that usher may read"))?;
    Ok(TemplateOverride { locale, name: name(path), source })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Complaint> {
    let read = || -> io::Result<_> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    read().map_err(|error| unreadable(folder, &error, "name a folder that usher may read"))
}

fn unreadable(path: &Path, error: &io::Error, remedy: &str) -> Complaint {
    Complaint::new(format!("{} cannot be read: {error}", path.display()), remedy)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
