//! From settings to a [`Config`], with all that is wrong on the way.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZero,
    thread,
    time::Duration,
};

use config::{Value, ValueKind};
use url::Url;
use usher_api::IpNet;
use usher_domain::{
    CharacterClass, FullNameStyle, NamePolicy, PasswordPolicy, PlainPassword, RoleName, SigningAlgorithm, Username,
};
use usher_service::{
    AuthSettings, HashAlgorithm, MasterKey, PasswordSettings, Pepper, RegistrationMode, RevocationSettings,
    TokenSettings, UsersSettings,
};

use super::{
    Bootstrap, Config, Database, DatabaseUrl, Faults, Http, LogFormat, LogLevel, Profile, PublicUrl, Redis, RedisUrl,
    Sources, Telemetry, forms::Complaint, keys, layers::Settings, mail, reader::Reader, rules::Rules, throttle,
};

/// Stands in for a faulty address, so that reading can go on.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const DAY_SECS: u64 = 24 * 60 * 60;

/// The fewest characters of a pepper: a part of its digest rests beside every hash.
const SHORTEST_PEPPER: usize = 32;

pub(super) fn build(sources: &Sources) -> Result<(Config, Settings), Faults> {
    let (settings, faults) = Settings::merge(sources);
    let mut reader = Reader::new(settings, faults);

    let profile = reader.choice(
        &keys::PROFILE,
        Profile::Development,
        &[Profile::Development, Profile::Production, Profile::Test],
    );
    let http = http(&mut reader);
    let database = database(&mut reader);
    let redis = redis(&mut reader);
    let tokens = tokens(&mut reader, &http);
    let auth = AuthSettings {
        refresh_idle_ttl: reader.duration(&keys::AUTH_REFRESH_IDLE_TTL),
        refresh_absolute_ttl: reader.duration(&keys::AUTH_REFRESH_ABSOLUTE_TTL),
        refresh_grace: reader.duration(&keys::AUTH_REFRESH_GRACE),
    };
    let revocations = RevocationSettings {
        state_cache_ttl: reader.duration(&keys::AUTH_STATE_CACHE_TTL),
        access_ttl: tokens.access_ttl,
    };
    let master_key = reader.optional(&keys::SECRETS_MASTER_KEY, master_key);
    let bcrypt_cost = reader.integer(&keys::PASSWORD_BCRYPT_COST);
    let passwords = passwords(&mut reader, bcrypt_cost);
    let users = users(&mut reader);
    let modes = [RegistrationMode::Open, RegistrationMode::Verified, RegistrationMode::Closed];
    let registration = reader.choice(&keys::REGISTRATION_MODE, RegistrationMode::Open, &modes);
    let mail = mail::mail(&mut reader, &http, &database);
    let limits = throttle::limits(&mut reader);
    let days = |reader: &mut Reader, key| Duration::from_secs(reader.integer::<u64>(key) * DAY_SECS);
    let retention = days(&mut reader, &keys::USERS_RETENTION_DAYS);
    let activity_retention = days(&mut reader, &keys::ACTIVITY_RETENTION_DAYS);
    let admin_username = reader.optional(&keys::BOOTSTRAP_ADMIN_USERNAME, admin_username);
    let admin_password = reader.optional(&keys::BOOTSTRAP_ADMIN_PASSWORD, admin_password);
    let telemetry = telemetry(&mut reader);
    Rules {
        profile,
        http: &http,
        database: &database,
        auth: &auth,
        registration,
        mail: &mail,
        bcrypt_cost,
        master_key: master_key.as_ref(),
        admin_password: admin_password.as_ref(),
        telemetry: &telemetry,
    }
    .check(&mut reader);

    let (settings, mut faults) = reader.finish();
    match admin_username {
        Some(username) if faults.is_empty() => {
            let bootstrap = Bootstrap { username, password: admin_password };
            let config = Config {
                profile,
                http,
                database,
                redis,
                tokens,
                auth,
                registration,
                mail,
                limits,
                revocations,
                master_key,
                passwords,
                users,
                retention,
                activity_retention,
                bootstrap,
                telemetry,
            };
            Ok((config, settings))
        }
        _ => {
            faults.sort_by(|a, b| a.key.cmp(&b.key));
            Err(Faults(faults))
        }
    }
}

fn cores() -> i64 {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    i64::try_from(cores).unwrap_or(1)
}

fn socket_address(text: &str) -> Result<SocketAddr, Complaint> {
    let problem = || format!("{text:?} is not an IP address and a port");
    text.parse().map_err(|_| Complaint::new(problem(), "write for example 127.0.0.1:8080 or 0.0.0.0:8080"))
}

fn http(reader: &mut Reader) -> Http {
    let bind = reader.parsed(&keys::HTTP_BIND, NOWHERE, socket_address);
    reader.fill(&keys::HTTP_PUBLIC_URL, PublicUrl::of_address(bind).to_string());
    reader.fill(&keys::HTTP_WORKERS, cores());
    Http {
        bind,
        base_path: reader.parsed(&keys::HTTP_BASE_PATH, String::new(), base_path),
        public_url: reader.parsed(&keys::HTTP_PUBLIC_URL, PublicUrl::of_address(NOWHERE), |text| {
            PublicUrl::parse(text).ok_or_else(|| {
                Complaint::new(
                    format!("{text:?} is not an http or https address without a path"),
                    "write scheme, host and, where it is not the usual one, port, such as https://accounts.example.com",
                )
            })
        }),
        trusted_proxies: reader.list(&keys::HTTP_TRUSTED_PROXIES, network),
        cors_origins: reader.list(&keys::HTTP_CORS_ORIGINS, cors_origin),
        max_connections: reader.integer(&keys::HTTP_MAX_CONNECTIONS),
        request_timeout: reader.duration(&keys::HTTP_REQUEST_TIMEOUT),
        header_timeout: reader.duration(&keys::HTTP_HEADER_TIMEOUT),
        body_timeout: reader.duration(&keys::HTTP_BODY_TIMEOUT),
        keep_alive: reader.duration(&keys::HTTP_KEEP_ALIVE),
        body_limit: reader.size(&keys::HTTP_BODY_LIMIT),
        drain_delay: reader.duration(&keys::HTTP_DRAIN_DELAY),
        drain_timeout: reader.duration(&keys::HTTP_DRAIN_TIMEOUT),
        docs: reader.boolean(&keys::HTTP_DOCS),
        workers: reader.integer(&keys::HTTP_WORKERS),
    }
}

/// Empty, or `/segment` once or more, of characters that need no escaping.
fn base_path(text: &str) -> Result<String, Complaint> {
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let well_formed = match text.strip_prefix('/') {
        Some(segments) => segments.split('/').all(|segment| is_segment(segment) && !matches!(segment, "." | "..")),
        None => text.is_empty(),
    };
    if well_formed {
        return Ok(text.to_owned());
    }
    let remedy = "write it with a slash at the beginning and none at the end, such as /api/v1, or leave it empty";
    Err(Complaint::new(format!("{text:?} is not the beginning of a path"), remedy))
}

/// A network in CIDR form, or a single address.
fn network(text: &str) -> Result<IpNet, Complaint> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok().filter(|network| network.trunc() == *network).ok_or_else(|| {
        Complaint::new(
            format!("{text:?} is not a network"),
            "write an address, or one with a prefix and no bits set behind it, such as 10.0.0.0/8",
        )
    })
}

/// An origin exactly as browsers send it (RFC 6454, 6.2).
fn cors_origin(text: &str) -> Result<String, Complaint> {
    let origin = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).map(|url| url.origin());
    match origin.map(|origin| origin.ascii_serialization()) {
        Some(written) if written == text => Ok(written),
        Some(written) => Err(Complaint::new(format!("browsers never write {text:?}"), format!("write {written}"))),
        None => Err(Complaint::new(
            format!("{text:?} is not an origin"),
            "write scheme, host and, where it is not the usual one, port, such as https://app.example.com",
        )),
    }
}

fn database(reader: &mut Reader) -> Database {
    Database {
        url: reader.parsed(&keys::DATABASE_URL, DatabaseUrl::memory(), |text| {
            DatabaseUrl::parse(text).ok_or_else(|| {
                let remedy = "write sqlite://path/to/file or postgres://user:password@host/name";
                Complaint::new("is not the address of a database that usher knows", remedy)
            })
        }),
        max_connections: reader.optional_integer(&keys::DATABASE_MAX_CONNECTIONS),
        acquire_timeout: reader.duration(&keys::DATABASE_ACQUIRE_TIMEOUT),
        statement_timeout: reader.duration(&keys::DATABASE_STATEMENT_TIMEOUT),
        migrate_on_start: reader.boolean(&keys::DATABASE_MIGRATE_ON_START),
    }
}

fn redis(reader: &mut Reader) -> Option<Redis> {
    let url = reader.optional(&keys::REDIS_URL, |text| {
        RedisUrl::parse(text).ok_or_else(|| {
            // The text may hold a password, so it is not repeated.
            let remedy = "write redis://user:password@host:port/number, or rediss:// with TLS";
            Complaint::new("is not the address of a Redis server", remedy)
        })
    });
    let key_prefix = reader.parsed(&keys::REDIS_KEY_PREFIX, String::new(), |text| Ok(text.to_owned()));
    let timeout = reader.duration(&keys::REDIS_TIMEOUT);
    url.map(|url| Redis { url, key_prefix, timeout })
}

fn tokens(reader: &mut Reader, http: &Http) -> TokenSettings {
    reader.fill(&keys::AUTH_ISSUER, http.public_url.to_string());
    TokenSettings {
        issuer: reader.parsed(&keys::AUTH_ISSUER, String::new(), claim),
        audience: reader.parsed(&keys::AUTH_AUDIENCE, String::new(), claim),
        algorithm: reader.choice(&keys::AUTH_ALGORITHM, SigningAlgorithm::EdDsa, SigningAlgorithm::ALL),
        access_ttl: reader.duration(&keys::AUTH_ACCESS_TTL),
        key_rotation: Some(reader.duration(&keys::AUTH_KEY_ROTATION)).filter(|turn| !turn.is_zero()),
    }
}

/// What every access token holds, and so leaves room for the rest.
fn claim(text: &str) -> Result<String, Complaint> {
    const MOST_BYTES: usize = 256;
    let text = not_empty(text)?;
    if text.len() > MOST_BYTES {
        let problem = format!("has {} bytes, and may have {MOST_BYTES}", text.len());
        return Err(Complaint::new(problem, "every access token holds it: choose a shorter one"));
    }
    Ok(text)
}

fn not_empty(text: &str) -> Result<String, Complaint> {
    if text.trim().is_empty() {
        return Err(Complaint::new("is empty", "give it a value, or leave the key out"));
    }
    Ok(text.to_owned())
}

fn master_key(text: &str) -> Result<MasterKey, Complaint> {
    MasterKey::from_base64(text)
        .map_err(|error| Complaint::new(error.to_string(), "make one with `openssl rand -base64 32`"))
}

fn passwords(reader: &mut Reader, bcrypt_cost: i64) -> PasswordSettings {
    reader.fill(&keys::PASSWORD_HASH_THREADS, cores());
    let bcrypt = HashAlgorithm::Bcrypt { cost: u32::try_from(bcrypt_cost).unwrap_or_default() };
    PasswordSettings {
        algorithm: reader.choice(&keys::PASSWORD_ALGORITHM, bcrypt, &[bcrypt, HashAlgorithm::Argon2id]),
        pepper: reader.optional(&keys::SECRETS_PEPPER, |text| {
            if text.chars().count() < SHORTEST_PEPPER {
                let problem = format!("has fewer than {SHORTEST_PEPPER} characters");
                return Err(Complaint::new(problem, "make one with `openssl rand -base64 32`"));
            }
            Ok(Pepper::new(text.to_owned()))
        }),
        threads: reader.integer(&keys::PASSWORD_HASH_THREADS),
        queue: reader.duration(&keys::PASSWORD_HASH_QUEUE),
        nice: reader.integer(&keys::PASSWORD_HASH_NICE),
    }
}

fn users(reader: &mut Reader) -> UsersSettings {
    let (min, max) = (reader.integer(&keys::PASSWORD_MIN_LENGTH), reader.integer(&keys::PASSWORD_MAX_LENGTH));
    reader.require(&[&keys::PASSWORD_MIN_LENGTH, &keys::PASSWORD_MAX_LENGTH], min <= max, || {
        let problem = format!("{min} is more than password.max_length, which is {max}");
        Complaint::new(problem, "lower it, or raise password.max_length")
    });
    let required = reader.list(&keys::PASSWORD_REQUIRE, |text| match text {
        "upper" => Ok(CharacterClass::Upper),
        "lower" => Ok(CharacterClass::Lower),
        "digit" => Ok(CharacterClass::Digit),
        "symbol" => Ok(CharacterClass::Symbol),
        other => Err(Complaint::new(
            format!("{other:?} is not a kind of character"),
            "write some of upper, lower, digit, symbol",
        )),
    });
    let passwords = PasswordPolicy::default()
        .with_lengths(min, max)
        .with_required(required)
        .with_blocklist(reader.boolean(&keys::PASSWORD_BLOCKLIST));
    let default_roles = reader.list(&keys::REGISTRATION_DEFAULT_ROLES, default_role);
    reader.require(&[&keys::REGISTRATION_DEFAULT_ROLES], default_roles.len() <= RoleName::MOST_HELD, || {
        let problem =
            format!("names {} roles, and nobody holds more than {}", default_roles.len(), RoleName::MOST_HELD);
        Complaint::new(problem, "name fewer")
    });
    UsersSettings {
        names: names(reader),
        passwords,
        default_roles,
        require_email: reader.boolean(&keys::REGISTRATION_REQUIRE_EMAIL),
    }
}

fn default_role(text: &str) -> Result<RoleName, Complaint> {
    let role = RoleName::parse(text)
        .map_err(|fault| Complaint::new(format!("{text:?} {fault}"), "write the name of a role, such as user"))?;
    if role == RoleName::ADMIN {
        return Err(Complaint::new("would make everybody an administrator", "leave admin out"));
    }
    Ok(role)
}

fn names(reader: &mut Reader) -> NamePolicy {
    let built_in = NamePolicy::default();
    let reserved: Vec<_> = built_in.reserved().map(|word| Value::new(None, word)).collect();
    reader.fill(&keys::VALIDATION_RESERVED_USERNAMES, ValueKind::Array(reserved));

    let pattern = reader.optional(&keys::VALIDATION_USERNAME_PATTERN, |text| {
        NamePolicy::default().with_username_pattern(text).map_err(|error| {
            let why = error.lines().last().unwrap_or_default().to_owned();
            Complaint::new(format!("{text:?} is not a regular expression: {why}"), "correct it")
        })
    });
    let styles = [FullNameStyle::International, FullNameStyle::Strict];
    pattern
        .unwrap_or(built_in)
        .with_username_max(reader.integer(&keys::VALIDATION_USERNAME_MAX))
        .with_reserved(reader.list(&keys::VALIDATION_RESERVED_USERNAMES, not_empty))
        .with_full_name_style(reader.choice(&keys::VALIDATION_FULL_NAME_PATTERN, FullNameStyle::International, &styles))
}

fn admin_username(text: &str) -> Result<Username, Complaint> {
    Username::parse(text).map_err(|fault| Complaint::new(format!("{text:?} {fault}"), "write for example admin"))
}

fn admin_password(text: &str) -> Result<PlainPassword, Complaint> {
    not_empty(text).map(PlainPassword::new)
}

fn collector(text: &str) -> Result<Url, Complaint> {
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let problem = || format!("{text:?} is not the http or https address of a collector");
    let url = Url::parse(text).ok().filter(is_plain);
    url.ok_or_else(|| Complaint::new(problem(), "write for example http://127.0.0.1:4318"))
}

fn telemetry(reader: &mut Reader) -> Telemetry {
    let formats = [LogFormat::Auto, LogFormat::Text, LogFormat::Json];
    let levels = [LogLevel::Off, LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    Telemetry {
        log_format: reader.choice(&keys::TELEMETRY_LOG_FORMAT, LogFormat::Auto, &formats),
        log_level: reader.choice(&keys::TELEMETRY_LOG_LEVEL, LogLevel::Info, &levels),
        otlp_endpoint: reader.optional(&keys::TELEMETRY_OTLP_ENDPOINT, collector),
        metrics_bind: reader.optional(&keys::TELEMETRY_METRICS_BIND, socket_address),
    }
}
