//! What keys must be to each other, and what each profile insists on.

use std::path::Path;

use usher_domain::PlainPassword;
use usher_service::{AuthSettings, DEFAULT_ADMIN_PASSWORD, MasterKey, RegistrationMode};
use usher_storage::PostgresTransport;

use super::{
    Database, Http, LogLevel, Mail, MailTransport, Profile, Sources, Telemetry,
    database_url::has_password,
    forms::{self, Complaint, show_duration},
    keys::{self, Fallback, Key, Kind},
    reader::Reader,
};

/// The master key that the documentation shows: base64 of `usher-sample-key-do-not-use-this`.
pub const SAMPLE_MASTER_KEY: &str = "dXNoZXItc2FtcGxlLWtleS1kby1ub3QtdXNlLXRoaXM=";

const IS_A_SAMPLE: &str = "is the one that the documentation shows";

const MAKE_A_KEY: &str = "make one with `openssl rand -base64 32`, put it into a file that only usher may read, \
                          and name that in USHER__SECRETS__MASTER_KEY_FILE";

/// The least cost of bcrypt outside of tests (OWASP Password Storage).
const LEAST_BCRYPT_COST: i64 = 10;

/// What the rules look at.
pub(super) struct Rules<'a> {
    pub(super) profile: Profile,
    pub(super) http: &'a Http,
    pub(super) database: &'a Database,
    pub(super) auth: &'a AuthSettings,
    pub(super) registration: RegistrationMode,
    pub(super) mail: &'a Mail,
    pub(super) bcrypt_cost: i64,
    pub(super) master_key: Option<&'a MasterKey>,
    pub(super) admin_password: Option<&'a PlainPassword>,
    pub(super) telemetry: &'a Telemetry,
}

impl Rules<'_> {
    pub(super) fn check(&self, reader: &mut Reader) {
        self.check_lifetimes(reader);
        self.check_registration(reader);
        self.check_bcrypt_cost(reader);
        self.check_master_key_is_there(reader);
        self.check_command_line(reader);
        match self.profile {
            Profile::Development => {}
            Profile::Test => self.check_test(reader),
            Profile::Production => self.check_production(reader),
        }
    }

    fn check_lifetimes(&self, reader: &mut Reader) {
        let AuthSettings { refresh_idle_ttl: idle, refresh_absolute_ttl: absolute, .. } = *self.auth;
        reader.require(&[&keys::AUTH_REFRESH_IDLE_TTL, &keys::AUTH_REFRESH_ABSOLUTE_TTL], idle <= absolute, || {
            let (idle, absolute) = (show_duration(idle), show_duration(absolute));
            let problem = format!("{idle} is more than auth.refresh_absolute_ttl, which is {absolute}");
            Complaint::new(problem, "lower it, or raise auth.refresh_absolute_ttl")
        });
    }

    fn check_registration(&self, reader: &mut Reader) {
        let has_mail = !matches!(self.mail.transport, MailTransport::None);
        let possible = has_mail || self.registration != RegistrationMode::Verified;
        reader.require(&[&keys::REGISTRATION_MODE, &keys::MAIL_TRANSPORT, &keys::MAIL_SMTP_URL], possible, || {
            let problem = "verified needs mail, and mail.transport is none";
            Complaint::new(problem, "choose another transport, or write open or closed")
        });
    }

    fn check_bcrypt_cost(&self, reader: &mut Reader) {
        let cost = self.bcrypt_cost;
        let strong = cost >= LEAST_BCRYPT_COST || self.profile == Profile::Test;
        reader.require(&[&keys::PASSWORD_BCRYPT_COST, &keys::PROFILE], strong, || {
            let problem = format!("{cost} is too cheap: {LEAST_BCRYPT_COST} at least, except in profile test");
            Complaint::new(problem, "write 12")
        });
    }

    fn check_master_key_is_there(&self, reader: &mut Reader) {
        let made = self.profile != Profile::Production && self.database.url.postgres().is_none();
        let there = made || reader.setting(&keys::SECRETS_MASTER_KEY).is_some();
        reader.require(&[&keys::SECRETS_MASTER_KEY, &keys::DATABASE_URL, &keys::PROFILE], there, || {
            let made = self.database.url.master_key_file().filter(|path| path.exists());
            let remedy = match made {
                Some(path) => format!("name {} in USHER__SECRETS__MASTER_KEY_FILE", path.display()),
                None => MAKE_A_KEY.to_owned(),
            };
            Complaint::new("is missing", remedy)
        });
    }

    fn check_command_line(&self, reader: &mut Reader) {
        let given = reader.setting(&keys::DATABASE_URL).is_some_and(|it| it.origin == Sources::DATABASE_URL_FLAG);
        reader.require(&[&keys::DATABASE_URL], !(given && self.database.url.has_password()), || {
            let remedy = "set USHER__DATABASE__URL or USHER__DATABASE__URL_FILE instead";
            Complaint::new("holds a password, which everybody on this machine can read on the command line", remedy)
        });
    }

    fn check_test(&self, reader: &mut Reader) {
        let ip = self.http.bind.ip();
        reader.require(&[&keys::HTTP_BIND], ip.is_loopback(), || {
            let problem = format!("profile test does not listen beyond this machine, and {ip} does");
            Complaint::new(problem, "write 127.0.0.1 and a port, or choose another profile")
        });
    }

    fn check_production(&self, reader: &mut Reader) {
        reader.require(&[&keys::HTTP_PUBLIC_URL], self.http.public_url.is_https(), || {
            let problem = format!("profile production needs https, and {} is plain http", self.http.public_url);
            Complaint::new(problem, "put a TLS proxy in front, and write its address")
        });
        if let Some(key) = self.master_key {
            let sample = MasterKey::from_base64(SAMPLE_MASTER_KEY).is_ok_and(|sample| sample == *key);
            reader.require(&[&keys::SECRETS_MASTER_KEY], !sample, || Complaint::new(IS_A_SAMPLE, MAKE_A_KEY));
            reader.require(&[&keys::SECRETS_MASTER_KEY], !key.is_one_byte_repeated(), || {
                Complaint::new("is one byte, repeated", MAKE_A_KEY)
            });
        }
        let default_password = self.admin_password.is_some_and(|it| it.as_typed() == DEFAULT_ADMIN_PASSWORD);
        reader.require(&[&keys::BOOTSTRAP_ADMIN_PASSWORD], !default_password, || {
            let problem = format!("profile production does not take {DEFAULT_ADMIN_PASSWORD:?}");
            Complaint::new(problem, "choose a better one, or leave it out: a random one is then printed once")
        });
        let quiet = !matches!(self.telemetry.log_level, LogLevel::Debug | LogLevel::Trace);
        reader.require(&[&keys::TELEMETRY_LOG_LEVEL], quiet, || {
            let problem = "profile production does not tell how it works inside";
            Complaint::new(problem, "write info, or choose another profile while you look for something")
        });
        let transport = self.database.url.postgres();
        reader.require(&[&keys::DATABASE_URL], transport != Some(PostgresTransport::Unverified), || {
            let problem = "profile production needs to know whom it talks to: sslmode must be verify-full";
            let remedy = "add ?sslmode=verify-full, and &sslrootcert=FILE where the certificate is of an authority of \
                          your own; sslmode=disable says that nobody else is in the network between";
            Complaint::new(problem, remedy)
        });
        for key in keys::ALL.iter().copied().filter(|key| key.is_secret()) {
            check_sample(reader, key);
            check_secret_file(reader, key);
        }
    }
}

/// Whether somebody took the example of the documentation for a value. Those of addresses may be right by chance.
fn check_sample(reader: &mut Reader, key: &'static Key) {
    let (Fallback::Nothing(_, sample), Kind::Secret) = (key.default, key.kind) else { return };
    let is_sample = text_of(reader, key).is_some_and(|text| text == sample);
    reader.require(&[key], !is_sample, || Complaint::new(IS_A_SAMPLE, "choose one of your own, at random"));
}

fn check_secret_file(reader: &mut Reader, key: &'static Key) {
    let Some(path) = reader.setting(key).and_then(|setting| setting.file.clone()) else { return };
    let secret = text_of(reader, key).is_some_and(|text| key.kind == Kind::Secret || has_password(&text));
    if secret && is_world_readable(&path) {
        let problem = format!("everybody on this machine can read {}", path.display());
        reader.complain(key, Complaint::new(problem, format!("run `chmod o-rwx {}`", path.display())));
    }
}

fn text_of(reader: &Reader, key: &Key) -> Option<String> {
    forms::text(&reader.setting(key)?.value)
}

/// Whether everybody on this machine may read the file. Where files have no such modes: no.
#[cfg(unix)]
pub(crate) fn is_world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OTHERS_READ: u32 = 0o004;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS_READ != 0)
}

/// Whether everybody on this machine may read the file. Where files have no such modes: no.
#[cfg(not(unix))]
pub(crate) fn is_world_readable(_path: &Path) -> bool {
    false
}
