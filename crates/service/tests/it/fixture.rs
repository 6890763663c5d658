use std::{sync::Arc, time::Duration};

use usher_domain::{
    ActivityEntry, ActivityFilter, Actor, ClientInfo, MockClock, PageSize, PlainPassword, SigningAlgorithm, Timestamp,
    User, UserChanges, UserId, UserStatus,
};
use usher_service::{
    AuthManager, AuthSettings, Environment, HashAlgorithm, LoginRequest, MasterKey, PasswordHasher, PasswordSettings,
    Revocations, SessionsManager, TokenIssuer, TokenSettings, Tokens, UserDraft, UsersManager, UsersSettings,
};
use usher_storage::{ActivityQueries, MemoryBackend, UsersStorageBackend};

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

/// The managers over a backend in memory, with bcrypt at its cheapest and time standing still.
pub(crate) struct Fixture {
    pub(crate) backend: Arc<MemoryBackend>,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) tokens: Arc<TokenIssuer>,
    pub(crate) users: UsersManager,
    pub(crate) sessions: SessionsManager,
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
        let backend = Arc::new(MemoryBackend::new());
        let hasher = hasher(HashAlgorithm::Bcrypt { cost: 4 }, &environment);
        let token_settings = TokenSettings {
            issuer: "https://id.example.org".to_owned(),
            audience: "usher".to_owned(),
            algorithm: SigningAlgorithm::EdDsa,
            access_ttl: Duration::from_secs(15 * 60),
            key_rotation: None,
        };
        let tokens =
            TokenIssuer::open(backend.clone(), &MASTER_KEY, token_settings, environment.clone()).await.unwrap();
        let tokens = Arc::new(tokens);
        let revocations = Revocations::in_process(&environment);
        let users =
            UsersManager::new(backend.clone(), hasher.clone(), revocations.clone(), settings, environment.clone());
        let sessions = SessionsManager::new(backend.clone(), revocations.clone(), environment.clone());
        let auth = Self::auth_manager(&backend, &hasher, &tokens, &revocations, &environment);
        Self { backend, hasher, tokens, users, sessions, revocations, auth, clock, environment }
    }

    /// The same accounts, with passwords hashed another way from now on.
    pub(crate) fn hashing_with(&self, algorithm: HashAlgorithm) -> AuthManager {
        let hasher = hasher(algorithm, &self.environment);
        Self::auth_manager(&self.backend, &hasher, &self.tokens, &self.revocations, &self.environment)
    }

    fn auth_manager(
        backend: &Arc<MemoryBackend>,
        hasher: &Arc<PasswordHasher>,
        tokens: &Arc<TokenIssuer>,
        revocations: &Revocations,
        environment: &Environment,
    ) -> AuthManager {
        AuthManager::new(
            backend.clone(),
            hasher.clone(),
            tokens.clone(),
            revocations.clone(),
            &MASTER_KEY,
            AuthSettings::default(),
            environment.clone(),
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

    /// Somebody who just signed in.
    pub(crate) async fn actor(&self, username: &str) -> Actor {
        self.actor_of(&self.login(username).await).await
    }

    pub(crate) async fn actor_of(&self, login: &Tokens) -> Actor {
        self.auth.authenticate(login.access.token.expose(), ClientInfo::default()).await.unwrap()
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
}
