//! The managers over a database of their own, without HTTP: for races.

use std::{sync::Arc, time::Duration};

use tokio::sync::Barrier;
use usher_domain::{Actor, PlainPassword, RoleName, SigningAlgorithm, User};
use usher_service::{
    AuthManager, AuthSettings, Environment, HashAlgorithm, MasterKey, PasswordHasher, PasswordSettings, Revocations,
    RoleDraft, RolesManager, Throttle, TokenIssuer, TokenSettings, UserDraft, UsersManager, UsersSettings,
};
use usher_storage::{SeaOrmBackend, contract::TestDatabase};
use usher_tests::PASSWORD;

/// How often something is raced.
pub(crate) const ROUNDS: usize = 200;

#[derive(Clone)]
pub(crate) struct Managers {
    pub(crate) backend: Arc<SeaOrmBackend>,
    pub(crate) users: UsersManager,
    pub(crate) roles: RolesManager,
    pub(crate) auth: AuthManager,
    pub(crate) environment: Environment,
}

impl Managers {
    pub(crate) async fn on(database: &TestDatabase) -> Self {
        let backend = Arc::new(database.backend().await);
        let environment = Environment::system();
        let cheap = PasswordSettings { algorithm: HashAlgorithm::Bcrypt { cost: 4 }, ..PasswordSettings::default() };
        let hasher = Arc::new(PasswordHasher::new(&cheap, &environment).unwrap());
        let (revocations, throttle) = (Revocations::in_process(&environment), Throttle::off(&environment));
        let users = UsersManager::new(
            backend.clone(),
            hasher.clone(),
            revocations.clone(),
            throttle.clone(),
            UsersSettings::default(),
            environment.clone(),
        );
        let roles = RolesManager::new(backend.clone(), revocations.clone(), &[RoleName::USER], environment.clone());
        let settings = TokenSettings {
            issuer: "https://id.example.org".to_owned(),
            audience: "usher".to_owned(),
            algorithm: SigningAlgorithm::EdDsa,
            access_ttl: Duration::from_secs(15 * 60),
            key_rotation: None,
        };
        let master_key = MasterKey::from_bytes([7; 32]);
        let tokens = TokenIssuer::open(backend.clone(), &master_key, settings, environment.clone()).await.unwrap();
        let auth = AuthManager::new(
            backend.clone(),
            hasher,
            Arc::new(tokens),
            revocations,
            throttle,
            AuthSettings::default(),
            environment.clone(),
        );
        Self { backend, users, roles, auth, environment }
    }

    pub(crate) async fn user(&self, username: &str, roles: &[&str]) -> User {
        self.users.create_user(&Actor::system(), draft(username, roles)).await.unwrap()
    }

    pub(crate) async fn role(&self, name: &str, granted: &[&str]) -> RoleName {
        let draft = RoleDraft { name: name.to_owned(), description: String::new(), permissions: owned(granted) };
        self.roles.create(&Actor::system(), draft).await.unwrap().name
    }
}

pub(crate) fn draft(username: &str, roles: &[&str]) -> UserDraft {
    UserDraft {
        username: username.to_owned(),
        password: Some(PlainPassword::new(PASSWORD.to_owned())),
        roles: Some(owned(roles)),
        must_change_password: Some(false),
        ..UserDraft::default()
    }
}

pub(crate) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Where so many contenders wait for each other.
pub(crate) struct Start(Arc<Barrier>);

impl Start {
    pub(crate) fn of(contenders: usize) -> Self {
        Self(Arc::new(Barrier::new(contenders)))
    }

    /// A contender in a task of its own, that starts when all are there.
    pub(crate) fn race<T: Send + 'static>(
        &self,
        contender: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let barrier = Arc::clone(&self.0);
        tokio::spawn(async move {
            barrier.wait().await;
            contender.await
        })
    }
}
