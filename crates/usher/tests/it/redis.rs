//! What a server leaves in Redis, and that it needs nothing from there.

use std::time::Duration;

use serde_json::{Value, json};
use usher_adapters::contract::RedisServer;

use crate::support::{MASTER_KEY, Place, QUICK, Server, Watch, tell};

/// How long Redis is waited for.
const TIMEOUT: Duration = Duration::from_millis(50);

/// What ten calls may take longer on a busy machine, and less than two more waits.
const SLACK: Duration = Duration::from_millis(90);

fn start(place: &Place, redis: &RedisServer) -> Server {
    Server::start(place, &[], &[QUICK.as_slice(), &[("USHER__REDIS__URL", &redis.url())]].concat())
}

struct SignedIn {
    token: String,
    session: String,
    user: String,
}

fn sign_in(server: &Server) -> SignedIn {
    let answer = server.client.login("admin", "admin").json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let data = &answer["data"];
    SignedIn { token: text(&data["access_token"]), session: text(&data["session_id"]), user: text(&data["user"]["id"]) }
}

fn me(server: &Server, who: &SignedIn) -> u16 {
    server.client.get_with(&who.token, "/api/v1/users/me").status
}

fn log_out(server: &Server, who: &SignedIn, scope: &str) {
    let answer = server.client.post_with(&who.token, "/api/v1/auth/logout", &json!({ "scope": scope }));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(me(server, who), 401, "at once, whatever Redis does");
}

fn is_told(redis: &RedisServer, session: &str) -> bool {
    redis.ask::<u64>(&["EXISTS", &format!("usher:revoked:session:{session}")]) == 1
}

#[test]
fn other_services_are_told_of_tokens_that_ended() {
    let Some(redis) = RedisServer::up() else { return };
    let place = Place::new();
    let server = start(&place, &redis);
    let (one, other) = (sign_in(&server), sign_in(&server));
    log_out(&server, &one, "session");
    assert!(is_told(&redis, &one.session) && !is_told(&redis, &other.session));
    log_out(&server, &other, "all");
    assert_eq!(redis.ask::<String>(&["GET", &format!("usher:revoked:user:{}", other.user)]), "1");
    let left = redis.ask::<u64>(&["TTL", &format!("usher:revoked:user:{}", other.user)]);
    assert!((890..=905).contains(&left), "as long as an access token is good: {left}");
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 2, "and nothing else");

    redis.ask::<String>(&["FLUSHALL"]);
    assert_eq!((me(&server, &one), me(&server, &other)), (401, 401), "Redis is not where the truth is");
    let ended = server.stop();
    assert!(ended.stdout.contains(&format!("Redis      {}", redis.url())), "{}", ended.stdout);
}

#[test]
fn without_redis_everything_goes_on_and_what_ended_meanwhile_is_told_later() {
    let Some(mut redis) = RedisServer::down() else { return };
    let place = Place::new();
    let server = start(&place, &redis);
    let early = sign_in(&server);
    log_out(&server, &early, "session");
    assert_eq!(server.client.get("/health/ready").status, 200);

    redis.start(&[]);
    server.client.until("what ended before Redis was there is told", || is_told(&redis, &early.session));
    redis.kill();
    let late = sign_in(&server);
    log_out(&server, &late, "session");
    redis.start(&[]);
    server.client.until("what ended while Redis was away is told", || is_told(&redis, &late.session));
    let log = server.stop().stderr;
    assert!(!log.contains(&late.token) && !log.contains(&early.token));
}

/// A call that waits for Redis does so once: afterwards it is left alone for a while.
#[test]
fn a_redis_that_hangs_is_asked_once_and_then_left_alone() {
    let Some(redis) = RedisServer::up() else { return };
    let place = Place::new();
    let server = start(&place, &redis);
    let log_out_all = |sessions: &[SignedIn]| {
        let watch = Watch::start();
        for session in sessions {
            log_out(&server, session, "session");
        }
        watch.elapsed()
    };
    let [before, sessions]: [Vec<_>; 2] = [0, 1].map(|_| (0..10).map(|_| sign_in(&server)).collect());
    let usual = log_out_all(&before);
    redis.pause();
    let paused = log_out_all(&sessions);
    redis.resume();
    server.client.until("all of it is told", || sessions.iter().all(|one| is_told(&redis, &one.session)));
    let log = server.stop().stderr;
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    tell(&format!("ten took {usual:?}, and {paused:?} while Redis hung"));
    assert!(paused < usual + TIMEOUT + SLACK, "{paused:?}, and {usual:?} otherwise");
}

/// Proves: LG-13
#[test]
fn limits_are_shared_over_processes_and_stay_in_force_without_redis() {
    let Some(mut redis) = RedisServer::up() else { return };
    let places = [Place::new(), Place::new()];
    let limited = [
        ("USHER__THROTTLE__ENABLED", "true"),
        ("USHER__THROTTLE__LOGIN_ACCOUNT_NETWORK__WAIT_MIN", "1h"),
        ("USHER__THROTTLE__LOGIN_ACCOUNT_NETWORK__WAIT_MAX", "1h"),
    ];
    let url = redis.url();
    let variables =
        [QUICK.as_slice(), &limited, &[MASTER_KEY, ("USHER__REDIS__URL", &url), ("USHER__REDIS__TIMEOUT", "5s")]]
            .concat();
    let [here, there] = [0, 1].map(|n| Server::start(&places[n], &[], &variables));
    let guess = |server: &Server| server.client.login("ada", "Not-it-7-times").status;
    for server in [&here, &there, &here, &there, &here] {
        assert_eq!(guess(server), 401);
    }
    assert_eq!((guess(&here), guess(&there)), (429, 429), "five in all");

    redis.kill();
    for server in [&here, &there] {
        let mut tries = 0;
        while guess(server) == 401 {
            tries += 1;
        }
        assert_eq!(tries, 5, "each process for itself");
    }
    assert_eq!(guess(&here), 429);
}
