//! A server that is killed at random moments while people sign up, change, refresh and leave: what was acknowledged
//! is there afterwards, and nothing is half-made.
//!
//! `USHER_TEST_KILLS=50 cargo test -p usher --test it kills -- --nocapture` takes some minutes.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    thread,
    time::Duration,
};

use actix_web::rt::System;
use serde_json::{Value, json};
use usher_storage::contract::{TestDatabase, ask};

use crate::support::{Answer, Client, MASTER_KEY, NoAnswer, PASSWORD, Place, QUICK, Server, Watch, number, tell};

const WRITERS: usize = 4;

/// Longer than a start takes on a busy machine; it should not take more than 2 s.
const START: Duration = Duration::from_secs(10);

/// How long after the writers have begun a kill comes at the latest.
const LATEST: u64 = 600;

/// What no rows may be found with.
const HALF_MADE: [(&str, &str); 5] = [
    (
        "an account that no entry tells of",
        "users WHERE NOT EXISTS (SELECT 1 FROM activity_log WHERE subject_id = users.id AND outcome = 'success' AND \
         action IN ('user.signed_up', 'system.bootstrapped'))",
    ),
    (
        "an account without a role or a password",
        "users WHERE deleted_at IS NULL AND (password_hash IS NULL OR NOT EXISTS \
         (SELECT 1 FROM user_roles WHERE user_id = users.id))",
    ),
    (
        "a change and no entry, or an entry and no change",
        "users WHERE NOT EXISTS (SELECT 1 FROM activity_log WHERE subject_id = users.id AND action = \
         'system.bootstrapped') AND version <> 1 + (SELECT count(*) FROM activity_log WHERE subject_id = users.id AND \
         action IN ('user.updated', 'user.roles_changed', 'user.deleted'))",
    ),
    ("a session without its account", "sessions WHERE user_id NOT IN (SELECT id FROM users)"),
    (
        "a session of somebody who is gone",
        "sessions WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM users WHERE deleted_at IS NOT NULL)",
    ),
];

/// Something that was changed: as it was when the last change was acknowledged, and as it may be if the one after it
/// was made all the same.
struct Known<T> {
    acknowledged: T,
    sent: Option<T>,
}

impl<T: PartialEq + fmt::Debug> Known<T> {
    fn new(acknowledged: T) -> Self {
        Self { acknowledged, sent: None }
    }

    /// Changes it, with what sends the change.
    fn change(&mut self, to: T, send: impl FnOnce(&T) -> Result<Answer, NoAnswer>) -> Result<Answer, NoAnswer> {
        let answer = send(self.sent.insert(to))?;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        if let Some(sent) = self.sent.take() {
            self.acknowledged = sent;
        }
        Ok(answer)
    }

    fn must_be(&mut self, found: T, of: &str) {
        let sent = self.sent.take();
        assert!(
            found == self.acknowledged || Some(&found) == sent.as_ref(),
            "{of}: {found:?}, not {self:?} or {sent:?}"
        );
        self.acknowledged = found;
    }
}

impl<T: fmt::Debug> fmt::Debug for Known<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acknowledged.fmt(f)
    }
}

struct Account {
    name: String,
    id: String,
    full_name: Known<Option<String>>,
    roles: Known<Vec<String>>,
    is_deleted: Known<bool>,
    refresh_token: String,
}

/// Writes, and remembers what was acknowledged.
struct Writer {
    /// Which of them, and how much it wrote, the last of it perhaps in vain: no name comes twice.
    number: usize,
    writes: usize,
    accounts: Vec<Account>,
    /// Whoever signed up and was not told whether it went well.
    unsure: Option<String>,
    /// From where on accounts were not looked at since they were changed.
    changed_from: usize,
}

/// A number as letters: names of people have no digits.
fn letters(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

impl Writer {
    fn new(number: usize) -> Self {
        Self { number, writes: 0, accounts: Vec::new(), unsure: None, changed_from: 0 }
    }

    /// Writes until nobody answers any more.
    fn write(&mut self, client: &Client, admin: &str) {
        self.changed_from = self.accounts.len();
        loop {
            for step in
                [Self::sign_up, Self::rename, Self::refresh, Self::promote, Self::rename, Self::refresh, Self::leave]
            {
                self.writes += 1;
                if step(self, client, admin).is_err() {
                    return;
                }
            }
        }
    }

    fn sign_up(&mut self, client: &Client, _: &str) -> Result<(), NoAnswer> {
        let name = format!("user{}x{}", self.number, self.writes);
        let body = json!({"username": name, "password": PASSWORD, "token_delivery": "body"});
        self.unsure = Some(name.clone());
        let answer = client.try_to("POST", "", "/api/v1/auth/signup", Some(&body))?;
        assert_eq!(answer.status, 201, "{answer:?}");
        self.unsure = None;
        let made = answer.json();
        self.accounts.push(Account {
            name,
            id: text(&made["data"]["user"]["id"]),
            full_name: Known::new(None),
            roles: Known::new(vec!["user".to_owned()]),
            is_deleted: Known::new(false),
            refresh_token: text(&made["data"]["tokens"]["refresh_token"]),
        });
        Ok(())
    }

    fn rename(&mut self, client: &Client, admin: &str) -> Result<(), NoAnswer> {
        let account = self.accounts.last_mut().unwrap();
        let path = format!("/api/v1/users/{}", account.id);
        let name = Some(letters(self.writes));
        account
            .full_name
            .change(name, |name| client.try_to("PATCH", admin, &path, Some(&json!({"full_name": name}))))?;
        Ok(())
    }

    fn promote(&mut self, client: &Client, admin: &str) -> Result<(), NoAnswer> {
        let account = self.accounts.last_mut().unwrap();
        let path = format!("/api/v1/users/{}/roles", account.id);
        let roles = ["admin", "user"].map(str::to_owned).to_vec();
        account.roles.change(roles, |roles| client.try_to("PUT", admin, &path, Some(&json!({"roles": roles}))))?;
        Ok(())
    }

    fn refresh(&mut self, client: &Client, _: &str) -> Result<(), NoAnswer> {
        let account = self.accounts.last_mut().unwrap();
        let body = json!({"refresh_token": account.refresh_token});
        let answer = client.try_to("POST", "", "/api/v1/auth/refresh", Some(&body))?;
        assert_eq!(answer.status, 200, "{answer:?}");
        account.refresh_token = text(&answer.json()["data"]["refresh_token"]);
        Ok(())
    }

    /// Lets the one before the last one go.
    fn leave(&mut self, client: &Client, admin: &str) -> Result<(), NoAnswer> {
        if let [.., account, _] = self.accounts.as_mut_slice()
            && !account.is_deleted.acknowledged
        {
            let path = format!("/api/v1/users/{}", account.id);
            account.is_deleted.change(true, |_| client.try_to("DELETE", admin, &path, None))?;
        }
        Ok(())
    }

    /// Looks whether everything is as it was acknowledged, for what was changed since the last time.
    fn check(&mut self, client: &Client, admin: &str) {
        // The one before may have been let go.
        for account in self.accounts.iter_mut().skip(self.changed_from.saturating_sub(2)) {
            account.check(client, admin);
        }
        if let Some(name) = self.unsure.take() {
            // Either there is nobody, or he can sign in.
            let exists = client.get_with(admin, &format!("/api/v1/users?q={name}")).json();
            let exists = exists["data"]["items"].as_array().unwrap().len() == 1;
            assert_eq!(client.login(&name, PASSWORD).status, if exists { 200 } else { 401 }, "{name}");
        }
    }
}

impl Account {
    fn check(&mut self, client: &Client, admin: &str) {
        let found = client.get_with(admin, &format!("/api/v1/users/{}", self.id));
        assert_eq!(found.status, 200, "{}: {found:?}", self.name);
        let found = &found.json()["data"];
        let is_deleted = found["status"] == "deleted";
        self.is_deleted.must_be(is_deleted, &self.name);
        let body = json!({"refresh_token": self.refresh_token});
        let refreshed = client.post("/api/v1/auth/refresh", &body);
        if is_deleted {
            assert_eq!(refreshed.status, 401, "{}: {refreshed:?}", self.name);
            return;
        }
        assert_eq!(refreshed.status, 200, "{}: {refreshed:?}", self.name);
        self.refresh_token = text(&refreshed.json()["data"]["refresh_token"]);
        self.full_name.must_be(found["full_name"].as_str().map(str::to_owned), &self.name);
        let mut roles: Vec<_> = found["roles"].as_array().unwrap().iter().map(text).collect();
        roles.sort();
        self.roles.must_be(roles, &self.name);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn assert_nothing_is_half_made(url: &str) {
    System::new().block_on(async {
        for (what, from) in HALF_MADE {
            assert_eq!(ask(url, &format!("SELECT CAST(count(*) AS text) FROM {from}")).await, "0", "{what}");
        }
        if url.starts_with("sqlite") {
            assert_eq!(ask(url, "PRAGMA integrity_check").await, "ok");
        }
    });
}

fn sign_in(client: &Client, password: &str) -> String {
    text(&client.login("admin", password).json()["data"]["access_token"])
}

fn kill_and_look(url: &str, variables: &[(&str, &str)]) {
    let place = Place::new();
    let issuer = ("USHER__HTTP__PUBLIC_URL", "http://127.0.0.1:8080");
    let variables = [variables, &QUICK, &[MASTER_KEY, issuer, ("USHER__AUTH__REFRESH_GRACE", "5m")]].concat();
    let mut server = Server::start(&place, &[], &variables);
    let change = json!({"current_password": "admin", "new_password": PASSWORD});
    let changed = server.client.post_with(&sign_in(&server.client, "admin"), "/api/v1/users/me/password", &change);
    assert_eq!(changed.status, 200, "{changed:?}");

    let mut writers: Vec<_> = (0..WRITERS).map(Writer::new).collect();
    let kills = number("USHER_TEST_KILLS", 5);
    let mut slowest = Duration::ZERO;
    for kill in 0..kills {
        let client = server.client.clone();
        let admin = sign_in(&client, PASSWORD);
        thread::scope(|scope| {
            for writer in &mut writers {
                let (client, admin) = (&client, &admin);
                scope.spawn(move || writer.write(client, admin));
            }
            thread::sleep(Duration::from_millis(20 + RandomState::new().hash_one(kill) % LATEST));
            drop(server);
        });
        let watch = Watch::start();
        server = Server::start(&place, &[], &variables);
        assert_eq!(server.client.get("/health/ready").status, 200);
        slowest = slowest.max(watch.elapsed());
        assert_nothing_is_half_made(url);
        let admin = sign_in(&server.client, PASSWORD);
        for writer in &mut writers {
            writer.check(&server.client, &admin);
        }
    }
    let admin = sign_in(&server.client, PASSWORD);
    for writer in &mut writers {
        writer.changed_from = 0;
        writer.check(&server.client, &admin);
    }
    assert!(slowest < START, "ready after {slowest:?}");
    let (engine, writes) = (url.split(':').next().unwrap(), writers.iter().map(|writer| writer.writes).sum::<usize>());
    tell(&format!("{engine}: {kills} kills, {writes} writes, none lost; ready again after at most {slowest:?}"));
}

#[test]
fn what_was_acknowledged_survives_kills_on_sqlite() {
    let database = TestDatabase::sqlite();
    kill_and_look(database.url(), &[("USHER__DATABASE__URL", database.url())]);
}

#[test]
fn what_was_acknowledged_survives_kills_on_postgres() {
    let Some(database) = System::new().block_on(TestDatabase::postgres()) else { return };
    kill_and_look(database.url(), &[("USHER__DATABASE__URL", database.url())]);
}
