use std::{collections::BTreeMap, mem, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    body::to_bytes,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderValue},
    },
    test::{TestRequest, call_service, init_service},
    web::Bytes,
};
use serde_json::{Value, json};
use usher_api::{ApiSettings, ApiState, ReadinessProbe, app, async_trait};
use usher_domain::{
    Actor, MockClock, Permission, PlainPassword, Role, RoleDescription, RoleName, Session, SessionId, SigningAlgorithm,
    Timestamp, User,
};
use usher_service::{
    ActivityManager, AuthManager, AuthSettings, BootstrapAdmin, DEFAULT_ADMIN_PASSWORD, Environment, HashAlgorithm,
    Limits, MailDispatcher, MailboxManager, MasterKey, MemoryMailer, MemoryRateLimiter, Outbox, PasswordHasher,
    PasswordSettings, RegistrationManager, RegistrationMode, Revocations, RolesManager, SessionsManager,
    TemplateOverride, Throttle, TokenIssuer, TokenLifetimes, TokenSettings, UserDraft, UsersManager, UsersSettings,
};
use usher_storage::{MemoryBackend, SessionQueries, UsersStorageBackend};

use crate::{contract, post::stationery};

/// That of the examples in the document.
pub(crate) const PASSWORD: &str = "Analytical-Engine-1843";

/// What not all tests want the same: cheap passwords, no limits, everybody may sign up, mail is sent.
pub(crate) struct Setup {
    pub(crate) passwords: PasswordSettings,
    pub(crate) limits: Limits,
    pub(crate) registration: RegistrationMode,
    pub(crate) sends_mail: bool,
    pub(crate) templates: Vec<TemplateOverride>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            passwords: cheap(),
            limits: Limits::OFF,
            registration: RegistrationMode::Open,
            sends_mail: true,
            templates: Vec::new(),
        }
    }
}

/// The API over a backend in memory, with bcrypt at its cheapest and time standing still.
#[derive(Clone)]
pub(crate) struct TestApi {
    pub(crate) state: Arc<ApiState>,
    pub(crate) backend: Arc<MemoryBackend>,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) mailer: Arc<MemoryMailer>,
    pub(crate) dispatcher: MailDispatcher,
}

pub(crate) struct AllReady;

#[async_trait]
impl ReadinessProbe for AllReady {
    async fn unready(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl TestApi {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// With another state, for example with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut ApiState)) -> Self {
        Self::built(Setup::default(), change).await
    }

    pub(crate) async fn set_up(setup: Setup) -> Self {
        Self::built(setup, |_| ()).await
    }

    pub(crate) async fn built(setup: Setup, change: impl FnOnce(&mut ApiState)) -> Self {
        let Setup { passwords, limits, registration: mode, sends_mail, templates } = setup;
        let (environment, clock) = Environment::mock();
        let backend = Arc::new(MemoryBackend::new());
        let hasher = Arc::new(PasswordHasher::new(&passwords, &environment).unwrap());
        let master_key = MasterKey::from_bytes([7; 32]);
        let tokens = TokenSettings {
            issuer: "https://id.example.org".to_owned(),
            audience: "usher".to_owned(),
            algorithm: SigningAlgorithm::EdDsa,
            access_ttl: Duration::from_secs(900),
            key_rotation: None,
        };
        let tokens = TokenIssuer::open(backend.clone(), &master_key, tokens, environment.clone()).await.unwrap();
        let tokens = Arc::new(tokens);
        let revocations = Revocations::in_process(&environment);
        let limiter = Arc::new(MemoryRateLimiter::new(&environment));
        let throttle = Throttle::new(limiter, limits, &master_key);
        let outbox = if sends_mail { Outbox::new(&master_key, TokenLifetimes::default()) } else { Outbox::off() };
        let users = UsersManager::new(
            backend.clone(),
            hasher.clone(),
            revocations.clone(),
            throttle.clone(),
            UsersSettings::default(),
            environment.clone(),
        )
        .with_outbox(outbox.clone());
        let defaults = [RoleName::USER];
        let roles = RolesManager::new(backend.clone(), revocations.clone(), &defaults, environment.clone());
        let sessions = SessionsManager::new(backend.clone(), revocations.clone(), environment.clone());
        let auth = AuthManager::new(
            backend.clone(),
            hasher.clone(),
            tokens.clone(),
            revocations.clone(),
            throttle.clone(),
            AuthSettings::default(),
            environment.clone(),
        )
        .with_outbox(outbox.clone());
        let mailbox =
            MailboxManager::new(backend.clone(), users.clone(), revocations, throttle.clone(), environment.clone());
        let registration =
            RegistrationManager::new(backend.clone(), users.clone(), auth.clone(), throttle, mode, environment.clone());
        let mailer = Arc::new(MemoryMailer::new());
        let dispatcher =
            MailDispatcher::new(backend.clone(), mailer.clone(), outbox, stationery(&templates), environment.clone());
        let readiness = Arc::new(AllReady);
        let mut state = ApiState {
            auth,
            registration,
            mailbox,
            users,
            sessions,
            roles,
            activity: ActivityManager::new(backend.clone()),
            tokens,
            readiness,
            environment,
            settings: ApiSettings::default(),
        };
        change(&mut state);
        Self { state: Arc::new(state), backend, hasher, clock, mailer, dispatcher }
    }

    pub(crate) async fn make(&self, draft: UserDraft) -> User {
        self.state.users.create_user(&Actor::system(), draft).await.unwrap()
    }

    /// From now on requests have this long; answers how long it was before.
    pub(crate) fn answer_within(&mut self, timeout: Duration) -> Duration {
        mem::replace(&mut Arc::make_mut(&mut self.state).settings.request_timeout, timeout)
    }

    /// The first administrator, with the default password.
    pub(crate) async fn bootstrap(&self) {
        let admin = BootstrapAdmin {
            username: "admin".parse().unwrap(),
            password: PlainPassword::new(DEFAULT_ADMIN_PASSWORD.to_owned()),
        };
        self.state.users.ensure_default_admin(admin).await.unwrap();
    }

    /// The access token of a new user without permissions.
    pub(crate) async fn user(&self, username: &str) -> String {
        self.make(draft(username)).await;
        self.token(username).await
    }

    /// The access token of a new administrator.
    pub(crate) async fn admin(&self, username: &str) -> String {
        self.make(UserDraft { roles: Some(vec!["admin".to_owned()]), ..draft(username) }).await;
        self.token(username).await
    }

    /// The access token of a new user who may do this and no more.
    pub(crate) async fn with_permissions(&self, username: &str, permissions: &[&str]) -> String {
        let name = format!("role-of-{username}");
        self.add_role(&name, permissions).await;
        self.make(UserDraft { roles: Some(vec![name]), ..draft(username) }).await;
        self.token(username).await
    }

    pub(crate) async fn add_role(&self, name: &str, permissions: &[&str]) {
        let role = Role {
            name: RoleName::parse(name).unwrap(),
            description: RoleDescription::default(),
            granted: permissions.iter().map(|name| Permission::parse(name).unwrap()).collect(),
            built_in: false,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let transaction = self.backend.begin().await.unwrap();
        transaction.role_insert(&role).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// The access token of somebody who must change his password, although he is an administrator.
    pub(crate) async fn unsettled(&self, username: &str) -> String {
        let roles = Some(vec!["admin".to_owned()]);
        self.make(UserDraft { roles, must_change_password: Some(true), ..draft(username) }).await;
        self.token(username).await
    }

    pub(crate) async fn token(&self, username: &str) -> String {
        let login = self.post("/api/v1/auth/login", &json!({ "identifier": username, "password": PASSWORD })).await;
        login.data()["access_token"].as_str().unwrap().to_owned()
    }

    /// A new user without permissions, who signed in with a browser.
    pub(crate) async fn signed_in(&self, username: &str) -> SignedIn {
        self.make(draft(username)).await;
        self.sign_in(username).await
    }

    /// Somebody who signs in with a browser.
    pub(crate) async fn sign_in(&self, username: &str) -> SignedIn {
        let login = self.post("/api/v1/auth/login", &json!({ "identifier": username, "password": PASSWORD })).await;
        let pair = login.header("set-cookie").split(';').next().unwrap();
        SignedIn {
            access: login.data()["access_token"].as_str().unwrap().to_owned(),
            refresh: pair.split_once('=').unwrap().1.to_owned(),
            cookie: pair.to_owned(),
            session: login.data()["session_id"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// A session as it rests.
    pub(crate) async fn session(&self, id: SessionId) -> Session {
        self.backend.session_with_user(id).await.unwrap().unwrap().0
    }

    /// The refresh token that a session has now.
    pub(crate) async fn refresh_token_of(&self, id: SessionId) -> String {
        self.state.tokens.refresh_token(&self.session(id).await).unwrap().token.expose().to_owned()
    }

    pub(crate) async fn has_ended(&self, id: SessionId) -> bool {
        self.session(id).await.revoked.is_some()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(TestRequest::get().uri(path)).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        self.call(bearer(TestRequest::get().uri(path), token)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(TestRequest::post().uri(path).set_json(body)).await
    }

    pub(crate) async fn post_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call(bearer(TestRequest::post().uri(path).set_json(body), token)).await
    }

    pub(crate) async fn put_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call(bearer(TestRequest::put().uri(path).set_json(body), token)).await
    }

    pub(crate) async fn patch_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call(bearer(TestRequest::patch().uri(path).set_json(body), token)).await
    }

    pub(crate) async fn delete_as(&self, token: &str, path: &str) -> Answer {
        self.call(bearer(TestRequest::delete().uri(path), token)).await
    }

    /// Posts without a body and without a content type.
    pub(crate) async fn post_nothing_as(&self, token: &str, path: &str) -> Answer {
        self.call(bearer(TestRequest::post().uri(path), token)).await
    }

    /// Posts a body as it is, as JSON.
    pub(crate) async fn post_raw(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.call(json_post(path).set_payload(body)).await
    }

    /// Sends a request, and checks that the document tells of the answer.
    pub(crate) async fn call(&self, request: TestRequest) -> Answer {
        let service = init_service(app(self.state.clone())).await;
        let request = request.to_request();
        let (method, path) = (request.method().clone(), request.path().to_owned());
        let response = call_service(&service, request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.unwrap();
        let answer = Answer { status, headers, body };
        contract::assert_documented(&self.state.settings, &method, &path, &answer);
        answer
    }
}

/// Somebody's tokens.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// As the browser sends it.
    pub(crate) cookie: String,
    pub(crate) session: SessionId,
}

fn cheap() -> PasswordSettings {
    let algorithm = HashAlgorithm::Bcrypt { cost: 4 };
    PasswordSettings { algorithm, threads: 2, nice: 0, ..PasswordSettings::default() }
}

pub(crate) fn draft(username: &str) -> UserDraft {
    UserDraft {
        username: username.to_owned(),
        password: Some(PlainPassword::new(PASSWORD.to_owned())),
        must_change_password: Some(false),
        ..UserDraft::default()
    }
}

pub(crate) fn bearer(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header(("Authorization", format!("Bearer {token}")))
}

pub(crate) fn json_post(path: &str) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("Content-Type", "application/json"))
}

pub(crate) fn with_cookie(request: TestRequest, cookie: &str) -> TestRequest {
    request.append_header(("Cookie", cookie))
}

pub(crate) fn from(request: TestRequest, peer: &str) -> TestRequest {
    request.peer_addr(SocketAddr::new(peer.parse().unwrap(), 50_000))
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn json_or_none(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The one value of a header field; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name);
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    /// What a success brings.
    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        assert_eq!((&json["success"], &json["error"]), (&json!(true), &Value::Null), "{self:?}");
        assert_eq!(keys(&json), ["data", "error", "success"]);
        json["data"].clone()
    }

    /// The code of a refusal, whose form is checked.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        assert_eq!((&json["success"], &json["data"]), (&json!(false), &Value::Null), "{self:?}");
        assert_eq!(keys(&json), ["data", "error", "success"]);
        assert_eq!(keys(&json["error"]), ["code", "details", "message", "request_id"]);
        assert_eq!(json["error"]["request_id"], self.header("x-request-id"));
        assert_eq!(self.header("content-type"), "application/json");
        json["error"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Fields at fault, each with its code.
    pub(crate) fn details(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let details = self.json()["error"]["details"].clone();
        details.as_array().unwrap().iter().map(|detail| (text(&detail["field"]), text(&detail["code"]))).collect()
    }

    /// All that a client sees of it: requests with one `X-Request-Id` are told apart by nothing else.
    pub(crate) fn seen(&self) -> (u16, BTreeMap<String, String>, String) {
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = self.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        (self.status.as_u16(), headers, self.text().to_owned())
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code().as_str()), (status, code), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn assert_invalid(&self, field: &str, code: &str) {
        self.assert_refused(422, "VALIDATION_FAILED");
        assert_eq!(self.details(), [(field.to_owned(), code.to_owned())], "{self:?}");
    }
}

pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
