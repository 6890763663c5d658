use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, ActivityEntry, ActivityFilter, Actor, ClientInfo, MockClock, PageSize, PlainPassword, Session, SessionId,
    SigningAlgorithm, Timestamp, User, UserChanges, UserId, UserStatus,
};
use usher_service::{
    AuthError, AuthManager, AuthSettings, Environment, HashAlgorithm, Limits, LoginRequest, MasterKey, MemoryBlocklist,
    MemoryRateLimiter, PasswordHasher, PasswordSettings, RegistrationManager, RegistrationMode, RevocationSettings,
    Revocations, RolesManager, SessionsManager, SignUpOutcome, Throttle, TokenIssuer, TokenSettings, Tokens, UserDraft,
    UsersManager, UsersSettings,
};
use usher_storage::{ActivityQueries, SessionQueries, UsersStorageBackend};

use crate::watched::Watched;

pub(crate) const PASSWORD: &str = "Xk7!vQz-mN4";
pub(crate) const MASTER_KEY: MasterKey = MasterKey::from_bytes([7; 32]);

pub(crate) fn password(text: &str) -> PlainPassword {
    PlainPassword::new(text.to_owned())
}

pub(crate) fn request(identifier: &str, text: &str) -> LoginRequest {
    LoginRequest { identifier: identifier.to_owned(), password: password(text), replaces: None }
}

pub(crate) fn draft(username: &str) -> UserDraft {
    UserDraft {
        username: username.to_owned(),
        password: Some(password(PASSWORD)),
        must_change_password: Some(false),
        ..UserDraft::default()
    }
}

pub(crate) fn hasher(algorithm: HashAlgorithm, environment: &Environment) -> Arc<PasswordHasher> {
    let settings = PasswordSettings { algorithm, threads: 2, ..PasswordSettings::default() };
    Arc::new(PasswordHasher::new(&settings, environment).unwrap())
}

/// Whether the access token is still good.
pub(crate) async fn knows(auth: &AuthManager, tokens: &Tokens) -> bool {
    match auth.authenticate(tokens.access.token.expose(), ClientInfo::default()).await {
        Ok(_) => true,
        Err(AuthError::Unauthenticated) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn issuer(backend: &Arc<Watched>, environment: &Environment) -> Arc<TokenIssuer> {
    let settings = TokenSettings {
        issuer: "https://id.example.org".to_owned(),
        audience: "usher".to_owned(),
        algorithm: SigningAlgorithm::EdDsa,
        access_ttl: Duration::from_secs(15 * 60),
        key_rotation: None,
    };
    Arc::new(TokenIssuer::open(backend.clone(), &MASTER_KEY, settings, environment.clone()).await.unwrap())
}

/// Where passwords and refresh tokens are taken, with limits.
pub(crate) struct Doors {
    pub(crate) auth: AuthManager,
    pub(crate) users: UsersManager,
    pub(crate) registration: RegistrationManager,
    pub(crate) throttle: Throttle,
}

/// Nobody is held back.
pub(crate) fn throttle(environment: &Environment) -> Throttle {
    Throttle::new(Arc::new(MemoryRateLimiter::new(environment)), Limits::OFF, &MASTER_KEY)
}

/// What a sign-up has made at once.
pub(crate) fn made<T>(outcome: SignUpOutcome<T>) -> T {
    match outcome {
        SignUpOutcome::Made(made) => made,
        SignUpOutcome::Pending => panic!("it is pending"),
    }
}

/// The managers over a backend in memory, with bcrypt at its cheapest and time standing still.
pub(crate) struct Fixture {
    pub(crate) backend: Arc<Watched>,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) tokens: Arc<TokenIssuer>,
    pub(crate) users: UsersManager,
    pub(crate) roles: RolesManager,
    pub(crate) sessions: SessionsManager,
    pub(crate) blocklist: Arc<MemoryBlocklist>,
    pub(crate) revocations: Revocations,
    pub(crate) auth: AuthManager,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) environment: Environment,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(UsersSettings::default()).await
    }

    pub(crate) async fn with(settings: UsersSettings) -> Self {
        let (environment, clock) = Environment::mock();
        let backend = Arc::new(Watched::new());
        let hasher = hasher(HashAlgorithm::Bcrypt { cost: 4 }, &environment);
        let tokens = issuer(&backend, &environment).await;
        let blocklist = Arc::new(MemoryBlocklist::new(&environment));
        let revocations = Revocations::new(blocklist.clone(), RevocationSettings::default(), &environment);
        let (defaults, managed) = (settings.default_roles.clone(), environment.clone());
        let roles = RolesManager::new(backend.clone(), revocations.clone(), &defaults, managed);
        let users = UsersManager::new(
            backend.clone(),
            hasher.clone(),
            revocations.clone(),
            throttle(&environment),
            settings,
            environment.clone(),
        );
        let sessions = SessionsManager::new(backend.clone(), revocations.clone(), environment.clone());
        let auth = AuthManager::new(
            backend.clone(),
            hasher.clone(),
            tokens.clone(),
            revocations.clone(),
            throttle(&environment),
            AuthSettings::default(),
            environment.clone(),
        );
        Self { backend, hasher, tokens, users, roles, sessions, blocklist, revocations, auth, clock, environment }
    }

    /// The same accounts, with passwords hashed another way from now on.
    pub(crate) fn hashing_with(&self, algorithm: HashAlgorithm) -> AuthManager {
        let hasher = hasher(algorithm, &self.environment);
        self.auth_manager(hasher, &self.tokens, &self.revocations, AuthSettings::default())
    }

    /// The same process, with limits on what may be tried.
    pub(crate) fn doors(&self, limits: Limits) -> Doors {
        let limiter = Arc::new(MemoryRateLimiter::new(&self.environment));
        let throttle = Throttle::new(limiter, limits, &MASTER_KEY);
        let (backend, hasher, environment) = (self.backend.clone(), self.hasher.clone(), self.environment.clone());
        let settings = UsersSettings::default();
        let revocations = self.revocations.clone();
        let users = UsersManager::new(
            backend.clone(),
            hasher.clone(),
            revocations.clone(),
            throttle.clone(),
            settings,
            environment.clone(),
        );
        let auth = AuthManager::new(
            backend.clone(),
            hasher,
            self.tokens.clone(),
            revocations,
            throttle.clone(),
            AuthSettings::default(),
            environment.clone(),
        );
        let (mode, open) = (RegistrationMode::Open, throttle.clone());
        let registration = RegistrationManager::new(backend, users.clone(), auth.clone(), open, mode, environment);
        Doors { auth, users, registration, throttle }
    }

    /// The same process, with other settings.
    pub(crate) fn auth_with(&self, settings: AuthSettings) -> AuthManager {
        self.auth_manager(self.hasher.clone(), &self.tokens, &self.revocations, settings)
    }

    /// The same process, with nothing remembered yet and other settings for that.
    pub(crate) fn remembering(&self, settings: RevocationSettings) -> AuthManager {
        let revocations = Revocations::new(self.blocklist.clone(), settings, &self.environment);
        self.auth_manager(self.hasher.clone(), &self.tokens, &revocations, AuthSettings::default())
    }

    /// Another process on the same database.
    pub(crate) async fn another_process(&self) -> AuthManager {
        let tokens = issuer(&self.backend, &self.environment).await;
        let revocations = Revocations::in_process(&self.environment);
        self.auth_manager(self.hasher.clone(), &tokens, &revocations, AuthSettings::default())
    }

    fn auth_manager(
        &self,
        hasher: Arc<PasswordHasher>,
        tokens: &Arc<TokenIssuer>,
        revocations: &Revocations,
        settings: AuthSettings,
    ) -> AuthManager {
        AuthManager::new(
            self.backend.clone(),
            hasher,
            tokens.clone(),
            revocations.clone(),
            throttle(&self.environment),
            settings,
            self.environment.clone(),
        )
    }

    pub(crate) async fn user(&self, username: &str) -> User {
        self.users.create_user(&Actor::system(), draft(username)).await.unwrap()
    }

    pub(crate) async fn user_with_role(&self, username: &str, role: &str) -> User {
        let draft = UserDraft { roles: Some(vec![role.to_owned()]), ..draft(username) };
        self.users.create_user(&Actor::system(), draft).await.unwrap()
    }

    pub(crate) async fn login(&self, username: &str) -> Tokens {
        self.auth.login(&request(username, PASSWORD), &ClientInfo::default()).await.unwrap()
    }

    pub(crate) async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, AuthError> {
        self.auth.refresh(&tokens.refresh.token, &ClientInfo::default()).await
    }

    /// Somebody who just signed in.
    pub(crate) async fn actor(&self, username: &str) -> Actor {
        self.actor_of(&self.login(username).await).await
    }

    pub(crate) async fn actor_of(&self, login: &Tokens) -> Actor {
        self.auth.authenticate(login.access.token.expose(), ClientInfo::default()).await.unwrap()
    }

    /// Whether the access token is still good.
    pub(crate) async fn knows(&self, tokens: &Tokens) -> bool {
        knows(&self.auth, tokens).await
    }

    pub(crate) async fn set_status(&self, id: UserId, status: impl FnOnce(Timestamp) -> UserStatus) {
        let now = Timestamp::UNIX_EPOCH;
        let changes = UserChanges { status: Some(status(now)), ..UserChanges::default() };
        let transaction = self.backend.begin().await.unwrap();
        assert!(transaction.user_update(id, None, &changes, now).await.unwrap());
        transaction.commit().await.unwrap();
    }

    /// The activity log, oldest first.
    pub(crate) async fn log(&self) -> Vec<ActivityEntry> {
        let mut entries = self.backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap();
        entries.reverse();
        entries
    }

    /// How often the activity log names this.
    pub(crate) async fn logged(&self, action: Action) -> usize {
        self.log().await.iter().filter(|entry| entry.action == action).count()
    }

    /// The session as it rests.
    pub(crate) async fn session(&self, id: SessionId) -> Session {
        self.backend.session_with_user(id).await.unwrap().unwrap().0
    }
}
