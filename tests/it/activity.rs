//! The activity log as what is done over HTTP leaves it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use usher_tests::{Answer, Client, Method, PASSWORD, TestApp, on_each_engine};

const BROWSER: &str = "Browser/1.0";
const NEW_PASSWORD: &str = "Zq9#kLm-pW2";

/// Who does what with which body, the status of the answer, and every entry that it leaves.
type Row<'a> = (&'a str, &'a str, Value, u16, &'a [&'a str]);

/// Everybody who does something, and an administrator who reads what is written down.
struct Scene<'a> {
    app: &'a TestApp,
    reader: Client<'a>,
    clients: BTreeMap<String, Client<'a>>,
    ids: BTreeMap<String, String>,
}

impl<'a> Scene<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let clients = [("admin", app.admin().await), ("nobody", app.nobody())];
        let clients = clients.map(|(name, client)| (name.to_owned(), client)).into();
        let mut scene = Self { app, reader: app.admin().await, clients, ids: BTreeMap::new() };
        scene.meet().await;
        scene
    }

    /// Learns who is there by now.
    async fn meet(&mut self) {
        let users = self.reader.get("/users?limit=100").await;
        for user in users.data()["items"].as_array().unwrap() {
            let text = |name: &str| user[name].as_str().unwrap().to_owned();
            self.ids.insert(text("username"), text("id"));
        }
    }

    async fn sign_in(&mut self, name: &str, password: &str) {
        self.clients.insert(name.to_owned(), self.app.sign_in(name, password).await);
    }

    /// Sends a request; `{bob}` in its path is his id.
    async fn ask(&self, who: &str, what: &str, body: &Value) -> Answer {
        let (method, path) = what.split_once(' ').unwrap();
        let path = self.ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
        let request = self.clients[who].request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
        let request = request.header("user-agent", BROWSER);
        self.app.read(if body.is_null() { request } else { request.json(body) }).await
    }

    /// The entries of the request that was answered so.
    async fn entries(&mut self, answer: &Answer) -> Vec<Value> {
        self.meet().await;
        let log = self.reader.get("/activity?limit=100").await;
        let mut entries = log.data()["items"].as_array().unwrap().clone();
        entries.retain(|entry| entry["request_id"] == answer.header("x-request-id"));
        entries
    }

    /// An entry in words: `auth.login failed, by nobody, about ada`.
    fn words(&self, entry: &Value) -> String {
        let name = |field: &str| match entry[field].as_str() {
            Some(id) => self.ids.iter().find(|(_, known)| *known == id).unwrap().0.as_str(),
            None => "nobody",
        };
        let failed = match entry["outcome"].as_str().unwrap() {
            "success" => "",
            "failure" => " failed",
            other => panic!("{other}"),
        };
        let action = entry["action"].as_str().unwrap();
        format!("{action}{failed}, by {}, about {}", name("actor_id"), name("subject_id"))
    }

    async fn play(&mut self, rows: &[Row<'_>]) {
        for (who, what, body, status, expected) in rows {
            let answer = self.ask(who, what, body).await;
            assert_eq!(answer.status, *status, "{who}: {what}: {answer:?}");
            let entries = self.entries(&answer).await;
            for entry in &entries {
                assert_eq!((&entry["ip"], &entry["user_agent"]), (&json!("127.0.0.1"), &json!(BROWSER)), "{what}");
            }
            let mut words: Vec<_> = entries.iter().map(|entry| self.words(entry)).collect();
            words.sort();
            assert_eq!(words, *expected, "{who}: {what}");
        }
    }
}

on_each_engine! {
    /// Proves: OP-05
    async fn what_an_administrator_does_is_written_down_once_and_what_he_is_refused_is_not(app: TestApp) {
        let mut scene = Scene::new(&app).await;
        let bob = json!({
            "username": "bob", "password": PASSWORD, "must_change_password": false, "email": "bob@example.org",
        });
        scene.play(&[
            ("admin", "POST /users", bob.clone(), 201, &["user.created, by admin, about bob"]),
            ("admin", "POST /users", bob, 409, &[]),
            ("admin", "POST /users", json!({"username": "a b"}), 422, &[]),
            (
                "admin", "POST /users", json!({"username": "eve", "email": "eve@example.org"}), 201,
                &["user.invited, by admin, about eve"],
            ),
        ]).await;
        scene.sign_in("bob", PASSWORD).await;

        let renamed = json!({"full_name": "Bob Builder"});
        let roles = json!({"roles": ["clerk", "user"]});
        scene.play(&[
            ("admin", "PATCH /users/{bob}", renamed.clone(), 200, &["user.updated, by admin, about bob"]),
            ("admin", "PATCH /users/{bob}", renamed.clone(), 200, &[]),
            ("admin", "PATCH /users/{bob}", json!({"username": "a b"}), 422, &[]),
            ("admin", "PATCH /users/00000000-0000-7000-8000-000000000000", renamed, 404, &[]),
            ("admin", "PUT /users/{bob}/roles", roles.clone(), 422, &[]),
            ("admin", "POST /roles", json!({"name": "clerk"}), 201, &["role.created, by admin, about nobody"]),
            ("admin", "POST /roles", json!({"name": "clerk"}), 409, &[]),
            (
                "admin", "PATCH /roles/clerk", json!({"permissions": ["tickets:answer"]}), 200,
                &["role.updated, by admin, about nobody"],
            ),
            ("admin", "PATCH /roles/clerk", json!({"permissions": ["tickets:answer"]}), 200, &[]),
            ("admin", "PUT /users/{bob}/roles", roles.clone(), 200, &["user.roles_changed, by admin, about bob"]),
            ("admin", "PUT /users/{bob}/roles", roles, 200, &[]),
            ("admin", "DELETE /roles/clerk", Value::Null, 409, &[]),
            ("admin", "DELETE /roles/user", Value::Null, 409, &[]),
            (
                "admin", "DELETE /roles/clerk?force=true", Value::Null, 200,
                &["role.deleted, by admin, about nobody", "user.roles_changed, by admin, about bob"],
            ),
        ]).await;

        scene.sign_in("bob", PASSWORD).await;
        let password = json!({"new_password": NEW_PASSWORD});
        scene.play(&[
            ("admin", "DELETE /users/{bob}/sessions", Value::Null, 200, &["session.revoked, by admin, about bob"]),
            ("admin", "DELETE /users/{bob}/sessions", Value::Null, 200, &[]),
            ("admin", "POST /users/{bob}/password", password, 200, &["password.set, by admin, about bob"]),
            ("admin", "POST /users/{bob}/password", json!({"new_password": "short"}), 422, &[]),
            (
                "admin", "POST /users/{bob}/reset-password", Value::Null, 202,
                &["password.reset_requested, by admin, about bob"],
            ),
            ("admin", "POST /users/{bob}/deactivate", Value::Null, 200, &["user.deactivated, by admin, about bob"]),
            ("admin", "POST /users/{bob}/deactivate", Value::Null, 409, &[]),
            ("admin", "POST /users/{bob}/activate", Value::Null, 200, &["user.activated, by admin, about bob"]),
            ("admin", "DELETE /users/{bob}", Value::Null, 200, &["user.deleted, by admin, about bob"]),
            ("admin", "DELETE /users/{bob}", Value::Null, 409, &[]),
            ("admin", "POST /users/{bob}/restore", Value::Null, 200, &["user.restored, by admin, about bob"]),
            ("admin", "DELETE /users/{bob}?permanent=true", Value::Null, 200, &["user.purged, by admin, about bob"]),
            ("admin", "DELETE /users/{bob}?permanent=true", Value::Null, 404, &[]),
            ("admin", "DELETE /users/{admin}", Value::Null, 409, &[]),
        ]).await;

        let stale = scene.clients["admin"].request(Method::DELETE, &format!("/users/{}", scene.ids["eve"]));
        let stale = app.read(stale.header("if-match", "\"7\"")).await;
        assert_eq!(stale.status, 412);
        assert_eq!(scene.entries(&stale).await, [] as [Value; 0]);
    }

    /// Proves: OP-05
    async fn what_people_do_with_their_own_accounts_is_written_down_once(
        app: TestApp, [("auth.refresh_grace", "0s")]
    ) {
        let mut scene = Scene::new(&app).await;
        let wish = json!({"username": "ada", "password": PASSWORD, "email": "ada@example.org"});
        let credentials = |name: &str, password: &str| json!({"identifier": name, "password": password});
        let (nobody, login) = ("nobody", "POST /auth/login");
        scene.play(&[
            (
                nobody, "POST /auth/signup", wish.clone(), 201,
                &["auth.login, by ada, about ada", "user.signed_up, by ada, about ada"],
            ),
            (nobody, "POST /auth/signup", wish, 409, &[]),
            (nobody, login, credentials("ada", PASSWORD), 200, &["auth.login, by ada, about ada"]),
            (nobody, login, credentials("ada", "Not-it"), 401, &["auth.login failed, by nobody, about ada"]),
            (nobody, login, credentials("eve", "Not-it"), 401, &["auth.login failed, by nobody, about nobody"]),
            (nobody, login, credentials("", "Not-it"), 422, &[]),
            (nobody, "GET /users", Value::Null, 401, &[]),
        ]).await;
        scene.sign_in("ada", PASSWORD).await;

        let mail = app.mail("ada@example.org", "verify_email").await;
        let (change, guess) = (
            json!({"email": "ada@new.example.org", "current_password": PASSWORD}),
            json!({"email": "ada@new.example.org", "current_password": "Not-it-7-times"}),
        );
        scene.play(&[
            (nobody, "POST /auth/verify-email", json!({"token": "x"}), 400, &[]),
            (
                nobody, "POST /auth/verify-email", json!({"token": mail.token()}), 200,
                &["email.verified, by ada, about ada"],
            ),
            (nobody, "POST /auth/verify-email", json!({"token": mail.token()}), 400, &[]),
            ("ada", "GET /users", Value::Null, 403, &["auth.access_denied failed, by ada, about nobody"]),
            ("ada", "GET /users", Value::Null, 403, &[]),
            ("ada", "GET /roles", Value::Null, 403, &["auth.access_denied failed, by ada, about nobody"]),
            ("ada", "PATCH /users/me", json!({"full_name": "Ada"}), 200, &["user.updated, by ada, about ada"]),
            ("ada", "PATCH /users/me", json!({"full_name": "Ada"}), 200, &[]),
            ("ada", "GET /users/me/export", Value::Null, 200, &["user.data_exported, by ada, about ada"]),
            ("ada", "POST /users/me/email", guess, 422, &["email.change_requested failed, by ada, about ada"]),
            ("ada", "POST /users/me/email", change, 202, &["email.change_requested, by ada, about ada"]),
        ]).await;

        let mail = app.mail("ada@new.example.org", "change_email").await;
        let password = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
        let session = app.login("ada").await.data()["session_id"].as_str().unwrap().to_owned();
        let session = format!("DELETE /users/me/sessions/{session}");
        scene.play(&[
            (
                nobody, "POST /auth/verify-email", json!({"token": mail.token()}), 200,
                &["email.changed, by ada, about ada"],
            ),
            ("ada", &session, Value::Null, 200, &["session.revoked, by ada, about ada"]),
            ("ada", &session, Value::Null, 404, &[]),
            ("ada", "POST /users/me/password", password, 200, &["password.changed, by ada, about ada"]),
        ]).await;

        let asked = scene.ask(nobody, "POST /auth/reset-password", &json!({"email": "ada@new.example.org"})).await;
        assert_eq!(asked.status, 202);
        let mail = app.mail("ada@new.example.org", "reset_password").await;
        let entries = scene.entries(&asked).await;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(scene.words(entry), "password.reset_requested, by nobody, about ada");
        // It is written when the request is worked off, and its user agent is not kept until then.
        assert_eq!((&entry["ip"], &entry["user_agent"]), (&json!("127.0.0.1"), &Value::Null));
        let confirm = json!({"token": mail.token(), "new_password": PASSWORD});
        scene.play(&[
            (
                nobody, "POST /auth/reset-password/confirm", confirm.clone(), 200,
                &["password.reset, by ada, about ada"],
            ),
            (nobody, "POST /auth/reset-password/confirm", confirm, 400, &[]),
        ]).await;

        let login = app.login("ada").await;
        let old = json!({"refresh_token": login.data()["refresh_token"]});
        let last = app.login("ada").await;
        let last = json!({"refresh_token": last.data()["refresh_token"]});
        scene.play(&[
            (nobody, "POST /auth/refresh", old.clone(), 200, &[]),
            (nobody, "POST /auth/refresh", old.clone(), 401, &["auth.refresh_reused failed, by nobody, about ada"]),
            (nobody, "POST /auth/refresh", old, 401, &[]),
            (nobody, "POST /auth/logout", last.clone(), 200, &["auth.logout, by ada, about ada"]),
            (nobody, "POST /auth/logout", last, 200, &[]),
        ]).await;

        scene.sign_in("ada", PASSWORD).await;
        let leave = |password: &str| json!({"current_password": password});
        scene.play(&[
            ("ada", "DELETE /users/me", leave("Not-it"), 422, &["user.deleted failed, by ada, about ada"]),
            ("ada", "DELETE /users/me", leave(PASSWORD), 200, &["user.deleted, by ada, about ada"]),
        ]).await;
    }
}
