//! The list in Redis: what every form of it promises, and the keys that other services read.

use std::time::Duration;

use usher_adapters::{RedisSettings, contract::TestRedis};
use usher_domain::Clock;
use usher_service::{BlockedTokens, TokenBlocklist, blocklist::contract::suite};

use crate::fixture::{blocklist, session_of, token, user_of};

suite!(redis, async { TestRedis::shared().map(|redis| (blocklist(redis.settings()).0, redis)) });

const WHILE: Duration = Duration::from_secs(905);

/// Longer than a test takes.
const A_MOMENT: Duration = Duration::from_secs(60);

fn key(redis: &TestRedis, name: &str) -> String {
    format!("{}revoked:{name}", redis.key_prefix())
}

/// How long a key still lives.
fn life(redis: &TestRedis, key: &str) -> Duration {
    Duration::from_millis(u64::try_from(redis.ask::<i64>(&["PTTL", key])).unwrap())
}

fn is_about(actual: Duration, expected: Duration) -> bool {
    expected - A_MOMENT < actual && actual <= expected
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let settings = RedisSettings::new("redis://localhost");
    assert_eq!(settings.key_prefix, "usher:");
    assert_eq!(settings.timeout, Duration::from_millis(50));
}

#[tokio::test]
async fn a_revoked_session_is_a_key_that_lives_until_its_value() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, clock) = blocklist(redis.settings());
    let token = token();
    blocklist.block(&[session_of(&token)], WHILE + Duration::from_micros(1)).await.unwrap();
    let key = key(&redis, &format!("session:{}", token.session));
    assert_eq!(redis.ask::<String>(&["GET", &key]), (clock.now().as_secs() + 906).to_string());
    assert!(is_about(life(&redis, &key), WHILE + Duration::from_millis(1)));
}

#[tokio::test]
async fn a_minimum_epoch_is_a_key_of_the_user() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, _) = blocklist(redis.settings());
    let token = token();
    blocklist.block(&[user_of(&token)], WHILE).await.unwrap();
    let key = key(&redis, &format!("user:{}", token.user));
    assert_eq!(redis.ask::<String>(&["GET", &key]), (token.epoch + 1).to_string());
    assert!(is_about(life(&redis, &key), WHILE));
}

#[tokio::test]
async fn a_shorter_while_takes_nothing_from_a_longer_one() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, clock) = blocklist(redis.settings());
    let token = token();
    let both = [session_of(&token), user_of(&token)];
    let session = key(&redis, &format!("session:{}", token.session));
    for (lifetime, expected) in [(WHILE, WHILE), (WHILE / 2, WHILE), (WHILE * 2, WHILE * 2)] {
        blocklist.block(&both, lifetime).await.unwrap();
        for key in [&session, &key(&redis, &format!("user:{}", token.user))] {
            assert!(is_about(life(&redis, key), expected), "{key} after {lifetime:?}");
        }
        let until = clock.now().as_secs() + i64::try_from(expected.as_secs()).unwrap();
        assert_eq!(redis.ask::<i64>(&["GET", &session]), until);
    }
}

#[tokio::test]
async fn a_smaller_epoch_for_longer_lets_the_greater_one_live_longer() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, _) = blocklist(redis.settings());
    let token = token();
    let user = |minimum_epoch| BlockedTokens::OfUser { user: token.user, minimum_epoch };
    blocklist.block(&[user(9)], WHILE).await.unwrap();
    blocklist.block(&[user(3)], WHILE * 2).await.unwrap();
    let key = key(&redis, &format!("user:{}", token.user));
    assert_eq!(redis.ask::<i64>(&["GET", &key]), 9);
    assert!(is_about(life(&redis, &key), WHILE * 2));
}

#[tokio::test]
async fn what_was_listed_for_ever_stays_so() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, _) = blocklist(redis.settings());
    let token = token();
    let key = key(&redis, &format!("session:{}", token.session));
    redis.ask::<()>(&["SET", &key, "1"]);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert_eq!(redis.ask::<i64>(&["PTTL", &key]), -1);
}

#[tokio::test]
async fn what_does_not_belong_at_a_key_is_written_over() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, _) = blocklist(redis.settings());
    let token = token();
    let both = [session_of(&token), user_of(&token)];
    for words in [["SET", "nonsense"].as_slice(), &["HSET", "a", "b"], &["RPUSH", "9"]] {
        for name in [format!("session:{}", token.session), format!("user:{}", token.user)] {
            let key = key(&redis, &name);
            redis.ask::<()>(&["DEL", &key]);
            redis.ask::<()>(&[&words[..1], &[key.as_str()], &words[1..]].concat());
        }
        blocklist.block(&both, WHILE).await.unwrap();
        assert!(blocklist.blocks(&token).await.unwrap(), "over {words:?}");
        assert_eq!(redis.ask::<i64>(&["GET", &key(&redis, &format!("user:{}", token.user))]), token.epoch + 1);
    }
}

#[tokio::test]
async fn an_epoch_that_is_no_number_is_an_error_and_no_verdict() {
    let Some(redis) = TestRedis::shared() else { return };
    let (blocklist, _) = blocklist(redis.settings());
    let token = token();
    let key = key(&redis, &format!("user:{}", token.user));
    redis.ask::<()>(&["SET", &key, "nonsense"]);
    blocklist.blocks(&token).await.unwrap_err();
    redis.ask::<()>(&["DEL", &key]);
    assert!(!blocklist.blocks(&token).await.unwrap(), "it says nothing about how Redis is");
}
