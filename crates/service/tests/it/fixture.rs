use std::{sync::Arc, time::Duration};

use usher_domain::{
    ActivityEntry, ActivityFilter, Actor, ClientInfo, MockClock, PageSize, PlainPassword, SigningAlgorithm, Timestamp,
    User, UserChanges, UserId, UserStatus,
};
use usher_service::{
    AuthManager, AuthSettings, Environment, HashAlgorithm, Login, LoginRequest, MasterKey, PasswordHasher,
    PasswordSettings, TokenIssuer, TokenSettings, UserDraft, UsersManager, UsersSettings,
};
use usher_storage::{ActivityQueries, MemoryBackend, UsersStorageBackend};

pub(crate) const PASSWORD: &str = "Xk7!vQz-mN4";
pub(crate) const MASTER_KEY: MasterKey = MasterKey::from_bytes([7; 32]);

pub(crate) fn password(text: &str) -> PlainPassword {
    PlainPassword::new(text.to_owned())
}

pub(crate) fn request(identifier: &str, text: &str) -> LoginRequest {
    LoginRequest { identifier: identifier.to_owned(), password: password(text) }
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
        };
        let tokens =
            TokenIssuer::open(backend.clone(), &MASTER_KEY, token_settings, environment.clone()).await.unwrap();
        let tokens = Arc::new(tokens);
        let users = UsersManager::new(backend.clone(), hasher.clone(), settings, environment.clone());
        let auth = Self::auth_manager(&backend, &hasher, &tokens, &environment);
        Self { backend, hasher, tokens, users, auth, clock, environment }
    }

    /// The same accounts, with passwords hashed another way from now on.
    pub(crate) fn hashing_with(&self, algorithm: HashAlgorithm) -> AuthManager {
        let hasher = hasher(algorithm, &self.environment);
        Self::auth_manager(&self.backend, &hasher, &self.tokens, &self.environment)
    }

    fn auth_manager(
        backend: &Arc<MemoryBackend>,
        hasher: &Arc<PasswordHasher>,
        tokens: &Arc<TokenIssuer>,
        environment: &Environment,
    ) -> AuthManager {
        AuthManager::new(
            backend.clone(),
            hasher.clone(),
            tokens.clone(),
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

    pub(crate) async fn login(&self, username: &str) -> Login {
        self.auth.login(&request(username, PASSWORD), &ClientInfo::default()).await.unwrap()
    }

    /// Somebody who just signed in.
    pub(crate) async fn actor(&self, username: &str) -> Actor {
        self.actor_of(&self.login(username).await).await
    }

    pub(crate) async fn actor_of(&self, login: &Login) -> Actor {
        self.auth.authenticate(login.token.token.expose(), ClientInfo::default()).await.unwrap()
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
