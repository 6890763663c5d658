//! A Redis that comes late, dies, hangs and forgets.

use std::{sync::Arc, thread, time::Duration};

use futures_util::future::join_all;
use tokio::runtime;
use usher_adapters::{Redis, RedisBlocklist, RedisSettings, contract::RedisServer};
use usher_domain::{Actor, PlainPassword};
use usher_service::{
    AccessClaims, Environment, HashAlgorithm, Limit, LimitKey, PasswordHasher, PasswordSettings, RateLimiter,
    RevocationSettings, Revocations, Throttle, TokenBlocklist, Try, UserDraft, UsersManager, UsersSettings,
};
use usher_storage::MemoryBackend;

use crate::fixture::{blocklist, limiter, session_of, token, user_of};

const WHILE: Duration = Duration::from_secs(900);

/// The first pause of the circuit breaker.
const PAUSE: Duration = Duration::from_secs(1);

/// How many connections the server has taken so far, without the one that asks.
fn connections(server: &RedisServer) -> u64 {
    let counted: String = server.ask(&["INFO", "stats"]);
    let taken = counted.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
    taken.parse::<u64>().unwrap() - 1
}

#[tokio::test]
async fn redis_may_come_later() {
    let Some(mut server) = RedisServer::down() else { return };
    let (blocklist, clock) = blocklist(server.settings());
    let token = token();
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    server.start(&[]);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    assert_eq!(server.calls("eval"), 0, "it is left alone");
    clock.advance(PAUSE);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert!(blocklist.blocks(&token).await.unwrap());
}

#[tokio::test]
async fn several_tokens_are_one_command_under_the_documented_keys() {
    let Some(server) = RedisServer::up() else { return };
    let (blocklist, _) = blocklist(server.settings());
    let (one, other) = (token(), token());
    blocklist.block(&[session_of(&one), user_of(&one), session_of(&other)], WHILE).await.unwrap();
    assert_eq!(server.calls("eval"), 1);
    assert!(blocklist.blocks(&one).await.unwrap());
    assert_eq!(server.calls("mget"), 1);
    let session = format!("usher:revoked:session:{}", other.session);
    let user = format!("usher:revoked:user:{}", one.user);
    let (until, epoch): (i64, i64) = server.ask(&["MGET", &session, &user]);
    assert_eq!((until - 900, epoch), (1_893_499_200, 5));
}

#[tokio::test]
async fn all_calls_share_one_connection() {
    let Some(server) = RedisServer::up() else { return };
    let (blocklist, _) = blocklist(server.settings());
    let before = connections(&server);
    let token = token();
    for answer in join_all((0..50).map(|_| blocklist.blocks(&token))).await {
        assert!(!answer.unwrap());
    }
    assert_eq!(connections(&server) - before, 1 + 1, "one of ours, and one that asked before");
    assert_eq!(server.calls("mget"), 50);
}

#[tokio::test]
async fn a_restart_between_two_calls_goes_unnoticed() {
    let Some(mut server) = RedisServer::up() else { return };
    let (blocklist, _) = blocklist(server.settings());
    let token = token();
    blocklist.block(&[user_of(&token)], WHILE).await.unwrap();
    server.kill();
    server.start(&[]);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert!(blocklist.blocks(&token).await.unwrap());
}

#[tokio::test]
async fn a_killed_redis_is_found_again_when_it_is_back() {
    let Some(mut server) = RedisServer::up() else { return };
    let (blocklist, clock) = blocklist(server.settings());
    let token = token();
    blocklist.block(&[user_of(&token)], WHILE).await.unwrap();
    server.kill();
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    clock.advance(PAUSE);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    server.start(&[]);
    clock.advance(PAUSE);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    assert_eq!(server.calls("eval"), 0, "the second pause is longer");
    clock.advance(PAUSE);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert!(blocklist.blocks(&token).await.unwrap());
}

#[cfg(unix)]
#[tokio::test]
async fn a_redis_that_hangs_is_waited_for_once() {
    use std::time::Instant;

    let Some(server) = RedisServer::up() else { return };
    let settings = RedisSettings { timeout: Duration::from_millis(500), ..server.settings() };
    let (blocklist, clock) = blocklist(settings);
    let token = token();
    blocklist.block(&[user_of(&token)], WHILE).await.unwrap();
    let before = connections(&server);
    server.pause();
    #[expect(clippy::disallowed_methods, reason = "how long a call really takes is the question")]
    let began = Instant::now();
    for _ in 0..100 {
        blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    }
    assert!(began.elapsed() < Duration::from_secs(10), "a hundred calls took {:?}", began.elapsed());
    server.resume();
    assert_eq!(connections(&server) - before, 1, "only who asked before");
    assert!(server.calls("eval") <= 2, "the first, and perhaps the one that was not waited for to its end");
    clock.advance(PAUSE);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert!(blocklist.blocks(&token).await.unwrap());
}

#[tokio::test]
async fn a_flushed_redis_costs_what_it_held_and_nothing_else() {
    let Some(server) = RedisServer::up() else { return };
    let (blocklist, _) = blocklist(server.settings());
    let token = token();
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    server.ask::<()>(&["FLUSHALL"]);
    server.ask::<()>(&["SCRIPT", "FLUSH"]);
    assert!(!blocklist.blocks(&token).await.unwrap());
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert!(blocklist.blocks(&token).await.unwrap());
}

/// Where another has become the primary, the same address may lead to it by now.
#[tokio::test]
async fn a_redis_that_takes_no_writes_is_left_alone_and_looked_for_anew() {
    let Some(server) = RedisServer::up() else { return };
    let (blocklist, clock) = blocklist(server.settings());
    let token = token();
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap_err();
    let before = connections(&server);
    clock.advance(PAUSE);
    blocklist.block(&[session_of(&token)], WHILE).await.unwrap();
    assert_eq!(connections(&server) - before, 1 + 1, "one of ours, and one that asked before");
}

/// Servers such as actix-web have a runtime for each of their threads.
#[tokio::test]
async fn a_connection_may_lose_the_runtime_that_made_it() {
    let Some(server) = RedisServer::up() else { return };
    let (blocklist, _) = blocklist(server.settings());
    let token = token();
    thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(blocklist.block(&[session_of(&token)], WHILE)).unwrap();
        });
    });
    assert!(blocklist.blocks(&token).await.unwrap());
}

#[tokio::test]
async fn the_documented_rights_are_enough() {
    let Some(server) = RedisServer::up() else { return };
    for (user, rights) in
        [("usher", "~usher:* -@all +get +mget +pttl +set +del +eval"), ("shop", "%R~usher:revoked:* -@all +get +mget")]
    {
        let words: Vec<_> = ["ACL", "SETUSER", user, "on", ">password", "resetkeys"].into_iter().collect();
        server.ask::<()>(&[words, rights.split(' ').collect()].concat());
        let documented = include_str!("../../README.md");
        assert!(documented.contains(&format!("ACL SETUSER {user} on >password resetkeys {rights}\n")));
    }
    let as_user = |user| {
        let url = server.url().replace("redis://", &format!("redis://{user}:password@"));
        blocklist(RedisSettings { url, ..server.settings() }).0
    };
    let (usher, shop, token) = (as_user("usher"), as_user("shop"), token());
    usher.block(&[session_of(&token), user_of(&token)], WHILE).await.unwrap();
    usher.block(&[session_of(&token), user_of(&token)], WHILE * 2).await.unwrap();
    assert!(shop.blocks(&token).await.unwrap());
    shop.block(&[session_of(&token)], WHILE).await.unwrap_err();

    let url = server.url().replace("redis://", "redis://usher:password@");
    let (limiter, _) = limiter(RedisSettings { url, ..server.settings() });
    let one = Try { key: LimitKey::new("login_account", [1; 16]), limit: Limit::steady(2, 2, WHILE) };
    limiter.reserve(&[one]).await;
    limiter.take_back(&one).await;
    limiter.reserve(&[one]).await;
    assert_eq!(server.ask::<u64>(&["EXISTS", &format!("usher:throttle:{}", one.key)]), 1);
    limiter.forgive(&one.key).await;
    assert_eq!(server.ask::<u64>(&["EXISTS", &format!("usher:throttle:{}", one.key)]), 0);
    let refused: String = server.ask(&["INFO", "errorstats"]);
    assert!(refused.contains("NOPERM:count=1\r\n"), "only the shop was refused: {refused}");
}

/// What was revoked while Redis was away is told when it is back.
#[tokio::test]
async fn no_notice_is_lost_while_redis_is_away() {
    let Some(mut server) = RedisServer::down() else { return };
    let (environment, clock) = Environment::mock();
    let list = || RedisBlocklist::new(Redis::open(server.settings(), &environment).unwrap(), &environment);
    let (ours, theirs) = (list(), list());
    let revocations = Revocations::new(Arc::new(ours), RevocationSettings::default(), &environment);
    let cheap =
        PasswordSettings { algorithm: HashAlgorithm::Bcrypt { cost: 4 }, threads: 1, ..PasswordSettings::default() };
    let users = UsersManager::new(
        Arc::new(MemoryBackend::new()),
        Arc::new(PasswordHasher::new(&cheap, &environment).unwrap()),
        revocations.clone(),
        Throttle::off(&environment),
        UsersSettings::default(),
        environment.clone(),
    );
    let draft = UserDraft {
        username: "ada".into(),
        password: Some(PlainPassword::new("Xk7!vQz-mN4".into())),
        ..UserDraft::default()
    };
    let ada = users.create_user(&Actor::system(), draft).await.unwrap();
    users.deactivate_user(&Actor::system(), ada.id, None).await.unwrap();
    assert!(!revocations.catch_up().await);

    server.start(&[]);
    clock.advance(PAUSE * 10);
    assert!(revocations.catch_up().await);
    let of_ada = AccessClaims { user: ada.id, epoch: 0, ..token() };
    assert!(theirs.blocks(&of_ada).await.unwrap());
}
