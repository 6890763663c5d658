//! The limiter in Redis: what every form of it promises, what several processes share, and what holds
//! while Redis is away.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Barrier, task::JoinSet};
use usher_adapters::{
    RedisRateLimiter, RedisSettings,
    contract::{RedisServer, TestRedis},
};
use usher_domain::Clock;
use usher_service::{Decision, Limit, LimitKey, RateLimiter, Try, throttle::contract::suite};

use crate::fixture::limiter;

suite!(redis, async {
    TestRedis::shared().map(|redis| {
        let (limiter, clock) = limiter(redis.settings());
        (limiter, clock, redis)
    })
});

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// The first pause of the circuit breaker.
const PAUSE: Duration = SECOND;

const STEADY: Limit = Limit::steady(30, 20, MINUTE);

fn one(limit: Limit) -> Try {
    Try { key: LimitKey::new("login_account", [0xab; 16]), limit }
}

fn pair() -> Try {
    one(Limit::waits(5, QUARTER, SECOND, QUARTER))
}

/// How many of some tries go ahead.
async fn admitted(limiter: &RedisRateLimiter, one: Try, tries: usize) -> usize {
    let mut admitted = 0;
    for _ in 0..tries {
        admitted += usize::from(limiter.reserve(&[one]).await == Decision::Allowed);
    }
    admitted
}

fn key(redis: &TestRedis) -> String {
    format!("{}throttle:login_account:{}", redis.key_prefix(), "ab".repeat(16))
}

fn life(redis: &TestRedis) -> i64 {
    redis.ask(&["PTTL", &key(redis)])
}

/// Proves: LG-13
#[tokio::test]
async fn what_one_process_counts_holds_for_the_other() {
    let Some(redis) = TestRedis::shared() else { return };
    let ((here, _), (there, time)) = (limiter(redis.settings()), limiter(redis.settings()));
    assert_eq!(admitted(&here, pair(), 3).await, 3);
    assert_eq!(admitted(&there, pair(), 10).await, 2);
    assert_eq!(admitted(&here, pair(), 10).await, 0);
    there.take_back(&pair()).await;
    assert_eq!(admitted(&here, pair(), 10).await, 1);
    time.advance(SECOND);
    assert_eq!(admitted(&there, pair(), 10).await, 1, "by its own clock, which is a second ahead");
    there.forgive(&pair().key).await;
    assert_eq!(admitted(&here, pair(), 10).await, 5);
}

/// Proves: LG-10, LG-13
#[tokio::test]
async fn processes_that_race_do_not_overrun_the_limit() {
    let Some(redis) = TestRedis::shared() else { return };
    for round in 0..25_u128 {
        let one = Try { key: LimitKey::new("login_account", round.to_be_bytes()), ..pair() };
        let barrier = Arc::new(Barrier::new(50));
        let processes: Vec<_> = (0..2).map(|_| Arc::new(limiter(redis.settings()).0)).collect();
        let mut racers = JoinSet::new();
        for limiter in processes.iter().cycle().take(50) {
            let (limiter, barrier) = (Arc::clone(limiter), Arc::clone(&barrier));
            racers.spawn(async move {
                barrier.wait().await;
                limiter.reserve(&[one]).await == Decision::Allowed
            });
        }
        let admitted = racers.join_all().await.into_iter().filter(|admitted| *admitted).count();
        assert_eq!(admitted, 5, "in round {round}");
    }
}

#[tokio::test]
async fn what_is_held_of_a_key_lives_for_a_window_and_the_longest_wait() {
    let Some(redis) = TestRedis::shared() else { return };
    let (limiter, _) = limiter(redis.settings());
    let burst = Limit::steady(10, 30, MINUTE);
    for (one, expected) in [(pair(), QUARTER * 2), (one(STEADY), SECOND * 100), (one(burst), MINUTE * 4)] {
        let expected = i64::try_from(expected.as_millis()).unwrap();
        for _ in 0..2 {
            limiter.reserve(&[one]).await;
            assert!((expected - 60_000..=expected).contains(&life(&redis)), "{one:?}: {}", life(&redis));
        }
        redis.ask::<()>(&["PEXPIRE", &key(&redis), "30000"]);
        limiter.take_back(&one).await;
        assert!((1..=30_000).contains(&life(&redis)), "what is taken back makes no life longer: {}", life(&redis));
        limiter.forgive(&one.key).await;
        assert_eq!(life(&redis), -2, "it is gone");
    }
}

#[tokio::test]
async fn keys_hold_a_kind_and_a_digest_and_values_hold_numbers() {
    let Some(redis) = TestRedis::shared() else { return };
    let (limiter, clock) = limiter(redis.settings());
    let now = clock.now().as_micros();
    limiter.reserve(&[pair(), Try { key: LimitKey::new("login_network", [1; 16]), limit: STEADY }]).await;
    let mut keys: Vec<String> = redis.ask(&["KEYS", &format!("{}*", redis.key_prefix())]);
    keys.sort();
    let network = format!("{}throttle:login_network:{}", redis.key_prefix(), "01".repeat(16));
    assert_eq!(keys, [key(&redis), network.clone()]);
    assert_eq!(redis.ask::<String>(&["GET", &key(&redis)]), format!("1 {now} {now}"));
    assert_eq!(redis.ask::<String>(&["GET", &network]), (now + 2_000_000).to_string());
}

#[tokio::test]
async fn what_does_not_belong_at_a_key_is_written_over() {
    let Some(redis) = TestRedis::shared() else { return };
    let (limiter, _) = limiter(redis.settings());
    for words in [["SET", "nonsense"].as_slice(), &["SET", "1 2"], &["HSET", "a", "b"], &["RPUSH", "9"]] {
        for one in [pair(), one(STEADY)] {
            redis.ask::<()>(&["DEL", &key(&redis)]);
            redis.ask::<()>(&[&words[..1], &[&key(&redis)], &words[1..]].concat());
            limiter.take_back(&one).await;
            let expected = if one == pair() { 5 } else { 20 };
            assert_eq!(admitted(&limiter, one, 30).await, expected, "over {words:?}");
            assert_eq!(redis.ask::<String>(&["TYPE", &key(&redis)]), "string", "over {words:?}");
        }
    }
}

#[tokio::test]
async fn several_keys_are_one_command_and_no_limit_is_none() {
    let Some(server) = RedisServer::up() else { return };
    let (limiter, _) = limiter(server.settings());
    let off = Try { key: LimitKey::new("login_network", [1; 16]), limit: Limit::OFF };
    limiter.reserve(&[off]).await;
    limiter.reserve(&[]).await;
    limiter.take_back(&off).await;
    assert_eq!(server.calls("eval"), 0);
    let other = Try { key: LimitKey::new("login_account_network", [1; 16]), limit: STEADY };
    limiter.reserve(&[pair(), off, other]).await;
    assert_eq!((server.calls("eval"), server.calls("set")), (1, 2));
}

/// Proves: LG-13
#[tokio::test]
async fn a_killed_redis_is_stood_in_for_until_it_is_back() {
    let Some(mut server) = RedisServer::up() else { return };
    let ((here, time), (there, _)) = (limiter(server.settings()), limiter(server.settings()));
    assert_eq!(admitted(&here, one(STEADY), 3).await, 3);
    server.kill();
    assert_eq!(admitted(&here, pair(), 20).await, 5);
    assert_eq!(admitted(&there, pair(), 20).await, 5, "each counts for itself");
    here.take_back(&pair()).await;
    assert_eq!(admitted(&here, pair(), 20).await, 1);
    there.forgive(&pair().key).await;
    assert_eq!(admitted(&there, pair(), 20).await, 5);

    server.start(&[]);
    assert_eq!(admitted(&here, pair(), 20).await, 0, "Redis is left alone");
    assert_eq!(server.calls("eval"), 0);
    time.advance(PAUSE);
    assert_eq!(admitted(&here, pair(), 20).await, 5, "it is asked again, and has forgotten");
    assert_eq!(server.calls("eval"), 20);
}

#[cfg(unix)]
#[tokio::test]
async fn a_redis_that_hangs_is_waited_for_once_and_stood_in_for() {
    use std::time::Instant;

    let Some(server) = RedisServer::up() else { return };
    let (limiter, time) = limiter(RedisSettings { timeout: Duration::from_millis(500), ..server.settings() });
    assert_eq!(admitted(&limiter, pair(), 4).await, 4);
    server.pause();
    #[expect(clippy::disallowed_methods, reason = "how long a call really takes is the question")]
    let began = Instant::now();
    assert_eq!(admitted(&limiter, pair(), 100).await, 5);
    limiter.forgive(&pair().key).await;
    assert_eq!(admitted(&limiter, pair(), 100).await, 5);
    assert!(began.elapsed() < Duration::from_secs(10), "two hundred calls took {:?}", began.elapsed());
    server.resume();
    time.advance(PAUSE);
    assert!(admitted(&limiter, pair(), 20).await <= 2, "Redis knows of four, and perhaps of one that it slept through");
    assert_eq!(admitted(&limiter, pair(), 20).await, 0);
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_is_stood_in_for() {
    let Some(server) = RedisServer::up() else { return };
    let (limiter, time) = limiter(server.settings());
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(admitted(&limiter, pair(), 20).await, 5);
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
    time.advance(PAUSE);
    assert_eq!(admitted(&limiter, pair(), 20).await, 5);
    assert_eq!(admitted(&limiter, pair(), 20).await, 0);
}

#[tokio::test]
async fn a_flushed_redis_costs_what_it_held_and_nothing_else() {
    let Some(server) = RedisServer::up() else { return };
    let (limiter, _) = limiter(server.settings());
    for _ in 0..2 {
        assert_eq!(admitted(&limiter, pair(), 20).await, 5);
        server.ask::<()>(&["FLUSHALL"]);
        server.ask::<()>(&["SCRIPT", "FLUSH"]);
    }
}
