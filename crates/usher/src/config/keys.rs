//! Every key that there is, in one table: reading, faults, `config show` and the sample file are all
//! made from it.

use super::rules::SAMPLE_MASTER_KEY;

/// One key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// The full name, such as `http.bind`.
    pub name: &'static str,
    /// What it is for; the lines of its documentation.
    pub doc: &'static [&'static str],
    /// What its values look like.
    pub kind: Kind,
    /// What holds where nobody sets it.
    pub default: Fallback,
}

/// What the values of a key look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text; what it means is checked further on.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number within bounds.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A span of time within bounds, in milliseconds.
    Duration(u64, u64),
    /// A number of bytes within bounds.
    Size(u64, u64),
    /// Texts: an array in a file, separated by commas in the environment.
    List,
    /// A text that is never shown, and that may be given as a file.
    Secret,
    /// The address of a database: like a secret, but shown without what is secret in it.
    DatabaseUrl,
    /// The address of a Redis server, likewise.
    RedisUrl,
}

/// What holds where a key is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This text.
    Is(&'static str),
    /// Something that follows from the machine or from other keys: in words, and an example of a value.
    Follows(&'static str, &'static str),
    /// Nothing: what that means in words, and an example of a value.
    Nothing(&'static str, &'static str),
}

impl Key {
    /// The section and the name within it; no section for `profile`.
    #[must_use]
    pub fn split(&self) -> (Option<&'static str>, &'static str) {
        match self.name.split_once('.') {
            Some((section, rest)) => (Some(section), rest),
            None => (None, self.name),
        }
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("USHER__{}", self.name.to_ascii_uppercase().replace('.', "__"))
    }

    /// Whether it may be given as the name of a file that holds the value (`..._file`).
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::DatabaseUrl | Kind::RedisUrl)
    }

    /// The key with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|key| key.name == name)
    }

    /// The secret that this name, ending in `_file`, names a file for.
    #[must_use]
    pub fn find_by_file(name: &str) -> Option<&'static Self> {
        Self::find(name.strip_suffix("_file")?).filter(|key| key.is_secret())
    }

    /// The known name that is most like this one, if any is like it at all.
    #[must_use]
    pub fn nearest(name: &str) -> Option<String> {
        const ALIKE: f64 = 0.8;
        let files = ALL.iter().filter(|key| key.is_secret()).map(|key| format!("{}_file", key.name));
        ALL.iter()
            .map(|key| key.name.to_owned())
            .chain(files)
            .map(|known| (strsim::jaro_winkler(&known, &name.to_ascii_lowercase()), known))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, known)| known)
    }
}

macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $id:ident = $name:literal, $kind:expr, $default:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub static $id: Key = Key { name: $name, doc: &[$($doc),+], kind: $kind, default: $default };
        )+

        /// All keys, in the order of the sample file.
        pub static ALL: &[&Key] = &[$(&$id),+];
    };
}

const SECOND: u64 = 1000;
const HOUR: u64 = 60 * 60 * SECOND;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1024;

use Fallback::{Follows, Is, Nothing};
use Kind::{Boolean, Choice, DatabaseUrl, Duration, Integer, List, RedisUrl, Secret, Size, Text};

keys! {
    /// What usher insists on. `production` refuses what is only good enough for a developer's machine;
    /// `test` allows cheap password hashes and listens to this machine only.
    PROFILE = "profile", Choice(&["development", "production", "test"]), Is("development");

    /// Where to listen: an IP address and a port. Port 0 takes any free one.
    HTTP_BIND = "http.bind", Text, Is("127.0.0.1:8080");
    /// What the paths of the API begin with. Empty: they begin at the root.
    HTTP_BASE_PATH = "http.base_path", Text, Is("/api/v1");
    /// Where people reach usher: scheme, host and port. Behind a TLS proxy this is its https address.
    HTTP_PUBLIC_URL = "http.public_url", Text, Follows("http:// and http.bind", "https://accounts.example.com");
    /// Networks whose word on the client's address is taken, such as 10.0.0.0/8: your reverse proxies.
    HTTP_TRUSTED_PROXIES = "http.trusted_proxies", List, Is("");
    /// Other origins whose browser pages may call the API, exactly as browsers write them.
    HTTP_CORS_ORIGINS = "http.cors_origins", List, Is("");
    /// How many connections may be open at once, over all workers.
    HTTP_MAX_CONNECTIONS = "http.max_connections", Integer(1, 1_000_000), Is("4096");
    /// How long a request may take as a whole before it is answered 503.
    HTTP_REQUEST_TIMEOUT = "http.request_timeout", Duration(100, HOUR), Is("15s");
    /// How long a client may take to send the head of a request.
    HTTP_HEADER_TIMEOUT = "http.header_timeout", Duration(100, HOUR), Is("5s");
    /// How long a client may take to send the body of a request.
    HTTP_BODY_TIMEOUT = "http.body_timeout", Duration(100, HOUR), Is("10s");
    /// How long an idle connection is kept. 0 closes it after each answer.
    HTTP_KEEP_ALIVE = "http.keep_alive", Duration(0, HOUR), Is("15s");
    /// The largest body; on routes under /auth it is 16KiB at most.
    HTTP_BODY_LIMIT = "http.body_limit", Size(KIB, 16 * KIB * KIB), Is("64KiB");
    /// How long to go on serving after SIGTERM while /health/ready already says no, so that load
    /// balancers notice.
    HTTP_DRAIN_DELAY = "http.drain_delay", Duration(0, HOUR), Is("0s");
    /// How long requests in flight may take to finish after that.
    HTTP_DRAIN_TIMEOUT = "http.drain_timeout", Duration(SECOND, HOUR), Is("25s");
    /// Whether /docs and /openapi.json are served.
    HTTP_DOCS = "http.docs", Boolean, Is("true");
    /// How many threads serve requests.
    HTTP_WORKERS = "http.workers", Integer(1, 512), Follows("as many as there are cores", "4");

    /// The database: sqlite://path/to/file or postgres://user:password@host/name.
    DATABASE_URL = "database.url", DatabaseUrl, Is("sqlite://data/usher.db");
    /// How many connections to open at most.
    DATABASE_MAX_CONNECTIONS = "database.max_connections", Integer(1, 1000),
        Nothing("four for each core on PostgreSQL; one for each core and one that writes on SQLite", "16");
    /// How long a request waits for a connection before it is answered 503.
    DATABASE_ACQUIRE_TIMEOUT = "database.acquire_timeout", Duration(100, HOUR), Is("2s");
    /// How long one statement may take, on PostgreSQL. 0: as long as it likes.
    DATABASE_STATEMENT_TIMEOUT = "database.statement_timeout", Duration(0, HOUR), Is("5s");
    /// Whether the schema is brought up to date at start. If not: `usher migrate up`.
    DATABASE_MIGRATE_ON_START = "database.migrate_on_start", Boolean, Is("true");

    /// Redis, for what several processes and other services share: redis://user:password@host:port/number,
    /// or rediss:// with TLS. Nothing depends on its being there.
    REDIS_URL = "redis.url", RedisUrl, Nothing("what would be shared stays in the process", "redis://127.0.0.1:6379");
    /// What the names of all keys in Redis begin with.
    REDIS_KEY_PREFIX = "redis.key_prefix", Text, Is("usher:");
    /// How long Redis may take to answer before usher goes on without it.
    REDIS_TIMEOUT = "redis.timeout", Duration(1, 60 * SECOND), Is("50ms");

    /// `iss` of access tokens, compared exactly.
    AUTH_ISSUER = "auth.issuer", Text, Follows("http.public_url", "https://accounts.example.com");
    /// `aud` of access tokens, compared exactly.
    AUTH_AUDIENCE = "auth.audience", Text, Is("usher");
    /// What access tokens are signed with.
    AUTH_ALGORITHM = "auth.algorithm", Choice(&["EdDSA", "ES256"]), Is("EdDSA");
    /// How long an access token is good.
    AUTH_ACCESS_TTL = "auth.access_ttl", Duration(SECOND, HOUR), Is("15m");
    /// A session ends when it is not renewed for this long.
    AUTH_REFRESH_IDLE_TTL = "auth.refresh_idle_ttl", Duration(SECOND, 3650 * DAY), Is("14d");
    /// A session ends after this long in any case.
    AUTH_REFRESH_ABSOLUTE_TTL = "auth.refresh_absolute_ttl", Duration(SECOND, 3650 * DAY), Is("30d");
    /// For how long a refresh token that was used gets the same successor again, in case that was lost
    /// on its way. After that, using it twice ends the session. 0: at once.
    AUTH_REFRESH_GRACE = "auth.refresh_grace", Duration(0, 5 * 60 * SECOND), Is("10s");
    /// How long the link of a mail is good that sets another password.
    AUTH_RESET_TTL = "auth.reset_ttl", Duration(SECOND, HOUR), Is("30m");
    /// How long the link of a mail is good that proves an address, or completes a sign-up.
    AUTH_VERIFY_TTL = "auth.verify_ttl", Duration(SECOND, 30 * DAY), Is("24h");
    /// How long an invitation is good.
    AUTH_INVITE_TTL = "auth.invite_ttl", Duration(SECOND, 30 * DAY), Is("72h");
    /// How late a change made through another process may be noticed: for as long a request relies on
    /// what an earlier one read of its session. 0: the database is asked each time.
    AUTH_STATE_CACHE_TTL = "auth.state_cache_ttl", Duration(0, SECOND), Is("1s");
    /// How long a signing key signs before another takes its place. 0: until `usher keys rotate`.
    AUTH_KEY_ROTATION = "auth.key_rotation", Duration(0, 3650 * DAY), Is("90d");

    /// Base64 of exactly 32 random bytes (`openssl rand -base64 32`). Everything that usher encrypts
    /// or signs hangs on it: keep a copy, away from the database.
    SECRETS_MASTER_KEY = "secrets.master_key", Secret,
        Nothing("for SQLite one is made, beside the database file; for other databases it must be given", SAMPLE_MASTER_KEY);
    /// A further secret that every password hash is keyed with. Once set it must stay: without it
    /// those passwords match no more.
    SECRETS_PEPPER = "secrets.pepper", Secret, Nothing("no pepper", "32 characters or more, better random ones");

    /// How new passwords are hashed.
    PASSWORD_ALGORITHM = "password.algorithm", Choice(&["bcrypt", "argon2id"]), Is("bcrypt");
    /// The cost of bcrypt: each step doubles the work. Below 10 only in profile `test`.
    PASSWORD_BCRYPT_COST = "password.bcrypt_cost", Integer(4, 15), Is("12");
    /// How many threads hash passwords.
    PASSWORD_HASH_THREADS = "password.hash_threads", Integer(1, 512), Follows("as many as there are cores", "4");
    /// How much hashing may wait; what comes on top is answered 503 at once.
    PASSWORD_HASH_QUEUE = "password.hash_queue", Duration(100, 60 * SECOND), Is("2s");
    /// How far hashing stands back for everything else: 0 not at all, 19 most. Linux only.
    PASSWORD_HASH_NICE = "password.hash_nice", Integer(0, 19), Is("5");
    /// The fewest characters of a new password. 15 is recommended.
    PASSWORD_MIN_LENGTH = "password.min_length", Integer(8, 1024), Is("8");
    /// The most characters of a new password.
    PASSWORD_MAX_LENGTH = "password.max_length", Integer(8, 1024), Is("128");
    /// What a new password must hold, of: upper, lower, digit, symbol. Empty for passphrases.
    PASSWORD_REQUIRE = "password.require", List, Is("upper,lower,digit,symbol");
    /// Whether common passwords are refused.
    PASSWORD_BLOCKLIST = "password.blocklist", Boolean, Is("true");

    /// Who may sign up: everybody (`open`), everybody who proves his address first (`verified`; there is no
    /// account before), or nobody but whom an administrator makes an account for (`closed`).
    REGISTRATION_MODE = "registration.mode", Choice(&["open", "verified", "closed"]), Is("open");
    /// Whether an account needs an e-mail address.
    REGISTRATION_REQUIRE_EMAIL = "registration.require_email", Boolean, Is("false");
    /// The roles of an account that nobody chose roles for.
    REGISTRATION_DEFAULT_ROLES = "registration.default_roles", List, Is("user");

    /// A regular expression that new usernames must match as a whole.
    VALIDATION_USERNAME_PATTERN = "validation.username_pattern", Text,
        Nothing("letters, digits, dot, underscore and hyphen", "[a-z][a-z0-9]*");
    /// The most characters of a new username.
    VALIDATION_USERNAME_MAX = "validation.username_max", Integer(3, 50), Is("50");
    /// Names that nobody can give himself, instead of the built-in ones.
    VALIDATION_RESERVED_USERNAMES = "validation.reserved_usernames", List,
        Follows("admin, root, support and other names that would pass for the system", "admin,root");
    /// How wide full names are: `strict` allows letters and hyphens only.
    VALIDATION_FULL_NAME_PATTERN = "validation.full_name_pattern", Choice(&["international", "strict"]),
        Is("international");

    /// Where mail goes: into files for a developer to look at (`file`), to a mail server (`smtp`), or nowhere
    /// (`none`: addresses change at once, and nobody can be invited).
    MAIL_TRANSPORT = "mail.transport", Choice(&["file", "smtp", "none"]), Is("file");
    /// Whom mail is from: an address, with a name before it or without. The name is what mails call the service.
    MAIL_FROM = "mail.from", Text,
        Follows("no-reply at the host of http.public_url; for smtp it must be given", "Example <no-reply@example.com>");
    /// The folder of transport `file`.
    MAIL_DIR = "mail.dir", Text, Follows("mail, beside the SQLite file, else data/mail", "data/mail");
    /// The mail server of transport `smtp`: smtps://host speaks TLS from the first byte (port 465),
    /// smtp://host begins it with STARTTLS or gives up (port 587). smtp://host?tls=none is for a mail catcher
    /// or a relay on this machine (port 25).
    MAIL_SMTP_URL = "mail.smtp.url", Text, Nothing("there is no mail server", "smtp://mail.example.com");
    /// Who signs in there.
    MAIL_SMTP_USERNAME = "mail.smtp.username", Text, Nothing("nobody does", "usher");
    /// With which password.
    MAIL_SMTP_PASSWORD = "mail.smtp.password", Secret, Nothing("nobody does", "that of the mail server");
    /// The page that sets another password, with {token} where the token goes: behind a # or in the path.
    MAIL_RESET_URL = "mail.reset_url", Text,
        Follows("a page of usher", "https://app.example.com/reset#token={token}");
    /// The page that proves an address, or completes a sign-up.
    MAIL_VERIFY_URL = "mail.verify_url", Text,
        Follows("a page of usher", "https://app.example.com/verify#token={token}");
    /// The page that accepts an invitation.
    MAIL_INVITE_URL = "mail.invite_url", Text,
        Follows("a page of usher", "https://app.example.com/welcome#token={token}");
    /// A folder with templates in place of the built-in ones, such as reset_password.txt and
    /// reset_password.html; those of another language in a folder of its own, such as de.
    MAIL_TEMPLATES_DIR = "mail.templates_dir", Text, Nothing("mails are as they are built in", "templates");

    /// Whether tries of passwords, sign-ups, refreshes and wishes for mails are limited. `false` only where
    /// something in front of usher does it.
    THROTTLE_ENABLED = "throttle.enabled", Boolean, Is("true");

    /// Wrong passwords for one account from one network: so many, then a wait that doubles with each
    /// further one, until there was none for a window. 0: no limit.
    THROTTLE_LOGIN_ACCOUNT_NETWORK_LIMIT = "throttle.login_account_network.limit", Integer(0, 1_000_000), Is("5");
    /// How long the window is.
    THROTTLE_LOGIN_ACCOUNT_NETWORK_WINDOW = "throttle.login_account_network.window", Duration(SECOND, DAY), Is("15m");
    /// The first wait.
    THROTTLE_LOGIN_ACCOUNT_NETWORK_WAIT_MIN = "throttle.login_account_network.wait_min", Duration(SECOND, DAY), Is("1s");
    /// The longest wait.
    THROTTLE_LOGIN_ACCOUNT_NETWORK_WAIT_MAX = "throttle.login_account_network.wait_max", Duration(SECOND, DAY), Is("15m");

    /// Wrong passwords for one account from everywhere: so many, then a wait that doubles with each
    /// further one, until there was none for a window. 0: no limit.
    THROTTLE_LOGIN_ACCOUNT_LIMIT = "throttle.login_account.limit", Integer(0, 1_000_000), Is("50");
    /// How long the window is.
    THROTTLE_LOGIN_ACCOUNT_WINDOW = "throttle.login_account.window", Duration(SECOND, DAY), Is("1h");
    /// The first wait.
    THROTTLE_LOGIN_ACCOUNT_WAIT_MIN = "throttle.login_account.wait_min", Duration(SECOND, DAY), Is("1s");
    /// The longest wait.
    THROTTLE_LOGIN_ACCOUNT_WAIT_MAX = "throttle.login_account.wait_max", Duration(SECOND, DAY), Is("15m");

    /// Passwords from one network: so many in a window, of them `burst` at once. 0: no limit.
    THROTTLE_LOGIN_NETWORK_LIMIT = "throttle.login_network.limit", Integer(0, 1_000_000), Is("30");
    /// How long the window is.
    THROTTLE_LOGIN_NETWORK_WINDOW = "throttle.login_network.window", Duration(SECOND, DAY), Is("1m");
    /// How many at once.
    THROTTLE_LOGIN_NETWORK_BURST = "throttle.login_network.burst", Integer(1, 1_000_000), Is("20");

    /// Sign-ups from one network: so many in a window, of them `burst` at once. 0: no limit.
    THROTTLE_SIGNUP_NETWORK_LIMIT = "throttle.signup_network.limit", Integer(0, 1_000_000), Is("10");
    /// How long the window is.
    THROTTLE_SIGNUP_NETWORK_WINDOW = "throttle.signup_network.window", Duration(SECOND, DAY), Is("1h");
    /// How many at once.
    THROTTLE_SIGNUP_NETWORK_BURST = "throttle.signup_network.burst", Integer(1, 1_000_000), Is("5");

    /// Refreshes of one session: so many in a window, of them `burst` at once. 0: no limit.
    THROTTLE_REFRESH_SESSION_LIMIT = "throttle.refresh_session.limit", Integer(0, 1_000_000), Is("10");
    /// How long the window is.
    THROTTLE_REFRESH_SESSION_WINDOW = "throttle.refresh_session.window", Duration(SECOND, DAY), Is("1m");
    /// How many at once.
    THROTTLE_REFRESH_SESSION_BURST = "throttle.refresh_session.burst", Integer(1, 1_000_000), Is("30");

    /// Refreshes from one network: so many in a window, of them `burst` at once. 0: no limit.
    THROTTLE_REFRESH_NETWORK_LIMIT = "throttle.refresh_network.limit", Integer(0, 1_000_000), Is("120");
    /// How long the window is.
    THROTTLE_REFRESH_NETWORK_WINDOW = "throttle.refresh_network.window", Duration(SECOND, DAY), Is("1m");
    /// How many at once.
    THROTTLE_REFRESH_NETWORK_BURST = "throttle.refresh_network.burst", Integer(1, 1_000_000), Is("120");

    /// Mails to one address that requests cause: so many in a window, of them `burst` at once; what comes on
    /// top is silently not sent. 0: no limit.
    THROTTLE_MAIL_ADDRESS_LIMIT = "throttle.mail_address.limit", Integer(0, 1_000_000), Is("3");
    /// How long the window is.
    THROTTLE_MAIL_ADDRESS_WINDOW = "throttle.mail_address.window", Duration(SECOND, DAY), Is("1h");
    /// How many at once.
    THROTTLE_MAIL_ADDRESS_BURST = "throttle.mail_address.burst", Integer(1, 1_000_000), Is("3");

    /// Requests from one network that cause a mail: so many in a window, of them `burst` at once. 0: no limit.
    THROTTLE_MAIL_NETWORK_LIMIT = "throttle.mail_network.limit", Integer(0, 1_000_000), Is("10");
    /// How long the window is.
    THROTTLE_MAIL_NETWORK_WINDOW = "throttle.mail_network.window", Duration(SECOND, DAY), Is("1h");
    /// How many at once.
    THROTTLE_MAIL_NETWORK_BURST = "throttle.mail_network.burst", Integer(1, 1_000_000), Is("10");

    /// Tokens of mails from one network: so many in a window, of them `burst` at once. 0: no limit.
    THROTTLE_CONFIRM_NETWORK_LIMIT = "throttle.confirm_network.limit", Integer(0, 1_000_000), Is("10");
    /// How long the window is.
    THROTTLE_CONFIRM_NETWORK_WINDOW = "throttle.confirm_network.window", Duration(SECOND, DAY), Is("1m");
    /// How many at once.
    THROTTLE_CONFIRM_NETWORK_BURST = "throttle.confirm_network.burst", Integer(1, 1_000_000), Is("10");

    /// For how many days a deleted account can be restored. After that it is gone for ever, and its
    /// names are free again.
    USERS_RETENTION_DAYS = "users.retention_days", Integer(1, 36_500), Is("30");

    /// For how many days entries of the activity log are kept.
    ACTIVITY_RETENTION_DAYS = "activity.retention_days", Integer(1, 36_500), Is("400");
    /// The first administrator, made when there is no account at all.
    BOOTSTRAP_ADMIN_USERNAME = "bootstrap.admin_username", Text, Is("admin");
    /// His first password, to be changed at the first login.
    BOOTSTRAP_ADMIN_PASSWORD = "bootstrap.admin_password", Secret,
        Nothing("`admin` on a machine that only talks to itself, else a random one that is printed once", "choose one");

    /// How logs look on standard error. `auto`: text on a terminal, JSON otherwise.
    TELEMETRY_LOG_FORMAT = "telemetry.log_format", Choice(&["auto", "text", "json"]), Is("auto");
    /// The least important messages that are logged.
    TELEMETRY_LOG_LEVEL = "telemetry.log_level", Choice(&["off", "error", "warn", "info", "debug", "trace"]),
        Is("info");
    /// Where traces are sent (OTLP over HTTP): the address of an OpenTelemetry collector, `/v1/traces` left out.
    TELEMETRY_OTLP_ENDPOINT = "telemetry.otlp_endpoint", Text, Nothing("none", "http://127.0.0.1:4318");
    /// Where `/metrics` is served, for Prometheus: an address and port of its own, for no stranger to reach.
    TELEMETRY_METRICS_BIND = "telemetry.metrics_bind", Text, Nothing("none", "127.0.0.1:9090");
}
