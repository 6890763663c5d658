use reqwest::Method;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};
use usher::{
    Application,
    config::{Config, Sources},
};
use usher_storage::contract::TestDatabase;

use crate::{Answer, PASSWORD, TestMail, log, mails};

/// A running usher. It stops, and its database is dropped, with this value.
pub struct TestApp {
    address: String,
    database: TestDatabase,
    folder: tempfile::TempDir,
    http: reqwest::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
        log::assert_clean();
    }
}

impl TestApp {
    /// On a SQLite file, with settings over the usual ones.
    pub async fn on_sqlite_with(settings: &[(&str, &str)]) -> Self {
        Self::start(TestDatabase::sqlite(), settings).await
    }

    /// On a database of PostgreSQL; none where no server answers.
    pub async fn on_postgres_with(settings: &[(&str, &str)]) -> Option<Self> {
        Some(Self::start(TestDatabase::postgres().await?, settings).await)
    }

    async fn start(database: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mail = folder.path().join("mail");
        let usual = [
            ("profile", "test"),
            ("http.bind", "127.0.0.1:0"),
            ("http.workers", "2"),
            ("database.url", database.url()),
            ("password.bcrypt_cost", "4"),
            ("password.hash_threads", "2"),
            ("throttle.enabled", "false"),
            ("telemetry.log_level", "trace"),
            ("mail.dir", mail.to_str().unwrap()),
            ("secrets.master_key", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80="),
        ];
        let sources = usual
            .iter()
            .chain(settings)
            .fold(Sources::default(), |sources, (key, value)| sources.with(key, *value, "the test"));
        let config = Config::load(&sources).unwrap();
        log::watch(&config.telemetry);
        let application = Application::build(config).await.unwrap();
        let address = format!("http://{}", application.address());
        let server = tokio::spawn(async move {
            application.run_until_stopped().await.unwrap();
        });
        Self { address, database, folder, http: reqwest::Client::new(), server }
    }

    /// The whole URL of a path of the API, or of one outside of it if it begins with two slashes.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        match path.strip_prefix("//") {
            Some(outside) => format!("{}/{outside}", self.address),
            None => format!("{}/api/v1{path}", self.address),
        }
    }

    /// Whether its database is one of PostgreSQL; of SQLite otherwise.
    #[must_use]
    pub fn is_on_postgres(&self) -> bool {
        self.database.url().starts_with("postgres")
    }

    /// Where it listens, as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// A client without a token.
    #[must_use]
    pub fn nobody(&self) -> Client<'_> {
        Client { app: self, token: None, session_id: String::new() }
    }

    /// A client with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Client<'_> {
        Client { token: Some(token.to_owned()), ..self.nobody() }
    }

    /// As [`Client::get`], without a token.
    pub async fn get(&self, path: &str) -> Answer {
        self.nobody().get(path).await
    }

    /// As [`Client::post`], without a token.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.nobody().post(path, body).await
    }

    /// Sends a request as it is.
    pub async fn read(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    /// The status of a login.
    pub async fn login_status(&self, identifier: &str, password: &str) -> u16 {
        self.post("/auth/login", &json!({"identifier": identifier, "password": password})).await.status
    }

    /// Signs in with the refresh token in the answer.
    pub async fn login(&self, identifier: &str) -> Answer {
        let body = json!({"identifier": identifier, "password": PASSWORD, "token_delivery": "body"});
        let login = self.post("/auth/login", &body).await;
        assert_eq!(login.status, 200, "{login:?}");
        login
    }

    /// Renews a session with a refresh token in the body.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/refresh", &json!({"refresh_token": token})).await
    }

    /// Somebody who signed in.
    pub async fn sign_in(&self, identifier: &str, password: &str) -> Client<'_> {
        let login = self.post("/auth/login", &json!({"identifier": identifier, "password": password})).await;
        Client::of(self, &login)
    }

    /// The first administrator, his password changed.
    pub async fn admin(&self) -> Client<'_> {
        if self.login_status("admin", PASSWORD).await == 200 {
            return self.sign_in("admin", PASSWORD).await;
        }
        let first = self.sign_in("admin", "admin").await;
        let body = json!({"current_password": "admin", "new_password": PASSWORD});
        Client::of(self, &first.post("/users/me/password", &body).await)
    }

    /// A user of this name, signed in.
    pub async fn user(&self, username: &str) -> Client<'_> {
        self.admin().await.create(username).await;
        self.sign_in(username, PASSWORD).await
    }

    /// Changes the database behind usher's back.
    pub async fn execute(&self, sql: &str) {
        let connection = Database::connect(self.database.url()).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The mails that were sent so far, the earliest first.
    #[must_use]
    pub fn mails(&self) -> Vec<TestMail> {
        mails::in_folder(&self.folder.path().join("mail"))
    }

    /// The first mail of this kind to this address, once it was sent.
    pub async fn mail(&self, to: &str, kind: &str) -> TestMail {
        self.mail_number(1, to, kind).await
    }

    /// The latest one, once so many were sent.
    pub async fn mail_number(&self, count: usize, to: &str, kind: &str) -> TestMail {
        mails::wait_for(&self.folder.path().join("mail"), to, kind, count).await
    }

    /// Keeps everybody else from writing to sessions, until the guard is dropped.
    pub async fn hold_up_sessions(&self) -> impl Drop + use<> {
        let connection = Database::connect(self.database.url()).await.unwrap();
        let hold = if self.is_on_postgres() { "BEGIN; LOCK TABLE sessions" } else { "BEGIN IMMEDIATE" };
        connection.execute_unprepared(hold).await.unwrap();
        HeldUp(Some(connection))
    }

    /// The first column of a query, as texts.
    pub async fn column(&self, sql: &str) -> Vec<String> {
        let connection = Database::connect(self.database.url()).await.unwrap();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }
}

/// A connection with an open transaction. Closed, it rolls back.
struct HeldUp(Option<DatabaseConnection>);

impl Drop for HeldUp {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            tokio::spawn(connection.close());
        }
    }
}

/// Somebody who talks to a [`TestApp`].
pub struct Client<'a> {
    app: &'a TestApp,
    token: Option<String>,
    session_id: String,
}

impl<'a> Client<'a> {
    fn of(app: &'a TestApp, answer: &Answer) -> Self {
        let text = |name: &str| answer.data()[name].as_str().unwrap().to_owned();
        Self { app, token: Some(text("access_token")), session_id: text("session_id") }
    }

    /// His access token.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The id of his session.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.app.read(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.app.read(self.request(Method::POST, path).json(body)).await
    }

    /// POST without a body.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.app.read(self.request(Method::POST, path)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.app.read(self.request(Method::PUT, path).json(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.app.read(self.request(Method::PATCH, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.app.read(self.request(Method::DELETE, path)).await
    }

    /// A request with his token, for [`TestApp::read`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.app.http.request(method, self.app.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Creates a user who need not change his password, and answers the id.
    pub async fn create(&self, username: &str) -> String {
        self.create_with(username, &json!({})).await
    }

    /// As [`create`](Self::create), an administrator.
    pub async fn create_admin(&self, username: &str) -> String {
        self.create_with(username, &json!({"roles": ["admin"]})).await
    }

    /// As [`create`](Self::create), with these fields besides.
    pub async fn create_with(&self, username: &str, fields: &Value) -> String {
        let mut body = json!({"username": username, "password": PASSWORD, "must_change_password": false});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let made = self.post("/users", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.data()["id"].as_str().unwrap().to_owned()
    }
}
