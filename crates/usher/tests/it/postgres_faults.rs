//! A PostgreSQL that goes away and comes back: clients are told to wait, lose nothing, and are served again as soon as
//! it is back.

use std::{sync::Mutex, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    Answer, Asked, Client, Load, MASTER_KEY, NoAnswer, PASSWORD, Place, PostgresServer, QUICK, Server, Shutdown, Step,
    Watch, number, tell,
};

/// How long after PostgreSQL is back everything is good again.
const RECOVERY: Duration = Duration::from_secs(3);

/// What a busy machine may take longer than it should.
const SLACK: Duration = Duration::from_secs(1);

fn start(place: &Place, postgres: &PostgresServer, own: &[(&str, &str)]) -> Server {
    let url = postgres.url();
    // Every request is one that needs the database.
    let needed = [("USHER__DATABASE__URL", url.as_str()), ("USHER__AUTH__STATE_CACHE_TTL", "0s"), MASTER_KEY];
    Server::start(place, &[], &[QUICK.as_slice(), &needed, own].concat())
}

/// Somebody who is signed in, with the last refresh token that he was given.
struct Visitor {
    token: String,
    refresh_token: Mutex<String>,
}

impl Visitor {
    fn sign_up(client: &Client, name: &str) -> Self {
        assert_eq!(client.sign_up(name).status, 201, "{name}");
        let body = json!({"identifier": name, "password": PASSWORD, "token_delivery": "body"});
        let answer = client.post("/api/v1/auth/login", &body).json();
        Self { token: text(&answer, "access_token"), refresh_token: Mutex::new(text(&answer, "refresh_token")) }
    }

    fn refresh(&self, client: &Client) -> Result<Answer, NoAnswer> {
        let body = json!({"refresh_token": *self.refresh_token.lock().unwrap()});
        let answer = client.try_to("POST", "", "/api/v1/auth/refresh", Some(&body))?;
        if answer.status == 200 {
            *self.refresh_token.lock().unwrap() = text(&answer.json(), "refresh_token");
        }
        Ok(answer)
    }
}

fn text(answer: &Value, field: &str) -> String {
    answer["data"][field].as_str().unwrap().to_owned()
}

fn visitors(client: &Client) -> Vec<Visitor> {
    (0..4).map(|n| Visitor::sign_up(client, &format!("visitor{n}"))).collect()
}

/// Reads, changes and logins, and who refreshes.
fn steps<'t>(client: &'t Client, visitors: &'t [Visitor]) -> Vec<(&'static str, Step<'t>)> {
    let me = "/api/v1/users/me";
    let mut steps: Vec<(_, Step<'t>)> = Vec::new();
    for visitor in visitors {
        steps.push(("refresh", Box::new(|| visitor.refresh(client))));
    }
    for visitor in &visitors[..2] {
        steps.push(("read", Box::new(|| client.try_to("GET", &visitor.token, me, None))));
        let change = json!({"full_name": "Ada Lovelace"});
        steps.push(("change", Box::new(move || client.try_to("PATCH", &visitor.token, me, Some(&change)))));
    }
    let login = json!({"identifier": "visitor0", "password": PASSWORD});
    steps.push(("login", Box::new(move || client.try_to("POST", "", "/api/v1/auth/login", Some(&login)))));
    steps
}

/// Everything that was not good says when to come back, and from then on everything is good.
fn assert_only_put_off(asked: &[Asked], good_from: Duration) {
    for one in asked.iter().filter(|one| !one.is_good()) {
        assert!(one.asks_to_come_back(), "{one:?}");
        assert!(one.answered <= good_from, "good from {good_from:?} on: {one:?}");
    }
    assert!(asked.iter().any(|one| !one.is_good()), "nothing was noticed of it");
}

fn assert_nobody_lost_his_session(client: &Client, visitors: &[Visitor]) {
    for visitor in visitors {
        let answer = visitor.refresh(client).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn rate(asked: &[Asked], from: Duration, to: Duration) -> f64 {
    let good = asked.iter().filter(|one| one.is_good() && (from..to).contains(&one.answered)).count();
    f64::from(u32::try_from(good).unwrap()) / (to - from).as_secs_f64()
}

#[test]
fn a_postgres_that_restarts_under_load_puts_everybody_off_for_as_long_and_nobody_loses_a_session() {
    let Some(mut postgres) = PostgresServer::up() else { return };
    let place = Place::new();
    let server = start(&place, &postgres, &[]);
    let client = &server.client;
    let visitors = visitors(client);
    for how in [Shutdown::Fast, Shutdown::Immediate] {
        let mut back = Duration::ZERO;
        let asked = Load::during(steps(client, &visitors), |load| {
            load.until_good_for(Duration::from_millis(500));
            postgres.stop(how);
            load.go_on_for(Duration::from_millis(500));
            assert_eq!(client.get("/health/live").status, 200);
            assert_eq!(client.get("/health/ready").status, 503);
            postgres.start();
            back = load.now();
            load.until_good_for(Duration::from_secs(1));
        });
        assert_only_put_off(&asked, back + RECOVERY);
        assert_eq!(client.get("/health/ready").status, 200);
        let last = asked.iter().filter(|one| !one.is_good()).map(|one| one.answered).max().unwrap();
        let put_off = asked.iter().filter(|one| !one.is_good()).count();
        let of = asked.len();
        tell(&format!("{how:?}: {put_off} of {of} put off, good {:?} after it is back", last.saturating_sub(back)));
        assert_nobody_lost_his_session(client, &visitors);
    }
}

#[test]
fn who_comes_once_postgres_is_back_does_not_notice_that_it_was_away() {
    let Some(mut postgres) = PostgresServer::up() else { return };
    let place = Place::new();
    let server = start(&place, &postgres, &[]);
    let client = &server.client;
    let visitors = visitors(client);
    // So that all connections of the pool have been made.
    Load::during(steps(client, &visitors), |load| load.until_good_for(Duration::from_millis(500)));
    postgres.stop(Shutdown::Immediate);
    postgres.start();
    let back = Watch::start();
    // What was in use a moment ago may still be taken for good.
    client.until("a second has gone by", || back.elapsed() > Duration::from_secs(1));
    for n in 0..20 {
        let answer = client.get_with(&visitors[0].token, "/api/v1/users/me");
        assert_eq!(answer.status, 200, "{n}: {answer:?}");
    }
}

/// Proves: IN-12
#[test]
fn a_postgres_that_hangs_is_waited_for_no_longer_than_a_request_may_take() {
    let Some(postgres) = PostgresServer::up() else { return };
    let place = Place::new();
    let deadline = Duration::from_secs(2);
    let server = start(&place, &postgres, &[("USHER__HTTP__REQUEST_TIMEOUT", "2s")]);
    let client = &server.client;
    let visitors = visitors(client);
    let pause = Duration::from_secs(number("USHER_TEST_PAUSE", 5).into());
    let [mut paused, mut back] = [Duration::ZERO; 2];
    let asked = Load::during(steps(client, &visitors), |load| {
        load.until_good_for(Duration::from_secs(1));
        postgres.pause();
        paused = load.now();
        while load.now() < paused + pause {
            let watch = Watch::start();
            assert_eq!(client.get("/health/live").status, 200);
            assert!(watch.elapsed() < SLACK, "live after {:?}", watch.elapsed());
            let ready = client.get("/health/ready");
            assert!(ready.status == 503 && watch.elapsed() < deadline + SLACK, "{ready:?} after {:?}", watch.elapsed());
        }
        postgres.resume();
        back = load.now();
        load.until_good_for(Duration::from_secs(1));
    });
    assert_only_put_off(&asked, back + RECOVERY);
    let slowest = asked.iter().map(|one| one.took).max().unwrap();
    assert!(slowest < deadline + SLACK, "{slowest:?}");
    let last = asked.iter().filter(|one| !one.is_good()).map(|one| one.answered).max().unwrap();
    assert_nobody_lost_his_session(client, &visitors);
    assert_eq!(client.get("/health/ready").status, 200);
    tell(&format!("slowest answer {slowest:?}; good {:?} after it goes on", last.saturating_sub(back)));
    let before = rate(&asked, paused.saturating_sub(Duration::from_secs(1)), paused);
    let end = asked.iter().map(|one| one.answered).max().unwrap();
    tell(&format!("{before:.0}/s before, {:.0}/s after", rate(&asked, end - Duration::from_secs(1), end)));
}

#[test]
fn a_postgres_that_hangs_does_not_keep_the_process_from_ending() {
    let Some(postgres) = PostgresServer::up() else { return };
    let place = Place::new();
    let limits = [("USHER__HTTP__REQUEST_TIMEOUT", "2s"), ("USHER__HTTP__DRAIN_TIMEOUT", "4s")];
    let server = start(&place, &postgres, &limits);
    let token = Visitor::sign_up(&server.client, "ada").token;
    let put_off = Load::during(
        vec![("read", Box::new(|| server.client.try_to("GET", &token, "/api/v1/users/me", None)))],
        |load| {
            load.until_good_for(Duration::from_millis(100));
            postgres.pause();
            load.go_on_for(Duration::from_secs(1));
        },
    );
    assert!(put_off.iter().any(Asked::asks_to_come_back), "something hung");
    let watch = Watch::start();
    let ended = server.stop();
    tell(&format!("ended after {:?}", watch.elapsed()));
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(watch.elapsed() < Duration::from_secs(10), "ended after {:?}", watch.elapsed());
}

#[test]
fn who_finds_no_connection_free_is_told_so_soon() {
    let Some(postgres) = PostgresServer::up() else { return };
    let place = Place::new();
    let patience = Duration::from_millis(300);
    let few = [
        ("USHER__DATABASE__MAX_CONNECTIONS", "2"),
        ("USHER__DATABASE__ACQUIRE_TIMEOUT", "300ms"),
        ("USHER__DATABASE__STATEMENT_TIMEOUT", "30s"),
        ("USHER__HTTP__REQUEST_TIMEOUT", "3s"),
    ];
    let server = start(&place, &postgres, &few);
    let client = &server.client;
    let visitors = visitors(client);
    let mut back = Duration::ZERO;
    let asked = Load::during(steps(client, &visitors), |load| {
        load.until_good_for(Duration::from_millis(300));
        let held = postgres.hold("LOCK TABLE users, sessions");
        let begin = load.now();
        client.until("both connections wait for the lock", || client.get("/health/ready").status == 503);
        let watch = Watch::start();
        let answer = client.try_to("GET", &visitors[3].token, "/api/v1/users/me", None).unwrap();
        assert!(answer.asks_to_come_back() && watch.elapsed() < patience + SLACK, "{answer:?} {:?}", watch.elapsed());
        assert_eq!(client.get("/health/live").status, 200);
        // Long enough for those who wait to be answered by the deadline, too.
        client.until("four seconds have gone by", || load.now() - begin > Duration::from_secs(4));
        drop(held);
        back = load.now();
        load.until_good_for(Duration::from_secs(1));
    });
    assert_only_put_off(&asked, back + RECOVERY);
    let put_off: Vec<_> = asked.iter().filter(|one| !one.is_good()).map(|one| one.took).collect();
    let soon = put_off.iter().filter(|took| **took < patience + SLACK).count();
    let slowest = put_off.iter().max().unwrap();
    tell(&format!("{} put off, {soon} of them soon, the slowest after {slowest:?}", put_off.len()));
    assert!(soon * 10 > put_off.len() * 7 && *slowest < Duration::from_secs(3) + SLACK, "{put_off:?}");
    assert_nobody_lost_his_session(client, &visitors);
}
