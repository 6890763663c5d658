//! How Redis is left alone after a failure. It is played by a socket that counts its visitors.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::yield_now,
    time::timeout,
};
use usher_adapters::RedisSettings;
use usher_service::TokenBlocklist;

use crate::fixture::{PATIENCE, blocklist, token};

const A_BIT: Duration = Duration::from_micros(1);

/// Shows every visitor out at once.
async fn unfriendly() -> (RedisSettings, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let visitors = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visitors);
    tokio::spawn(async move {
        while let Ok((_visitor, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (RedisSettings { timeout: PATIENCE, ..RedisSettings::new(url) }, visitors)
}

/// Never says a word; tells of each visitor.
async fn silent() -> (RedisSettings, UnboundedReceiver<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let (sender, visitors) = unbounded_channel();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((visitor, _)) = listener.accept().await {
            kept.push(visitor);
            sender.send(()).unwrap();
        }
    });
    (RedisSettings { timeout: PATIENCE, ..RedisSettings::new(url) }, visitors)
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_call() {
    let (settings, visitors) = unfriendly().await;
    let (blocklist, _) = blocklist(settings);
    yield_now().await;
    assert_eq!(visitors.load(Ordering::SeqCst), 0);
    blocklist.blocks(&token()).await.unwrap_err();
    assert_eq!(visitors.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn each_pause_is_twice_as_long_up_to_ten_seconds() {
    let (settings, visitors) = unfriendly().await;
    let (blocklist, clock) = blocklist(settings);
    let token = token();
    blocklist.blocks(&token).await.unwrap_err();
    for (pauses, seconds) in [1, 2, 4, 8, 10, 10].into_iter().enumerate() {
        clock.advance(Duration::from_secs(seconds) - A_BIT);
        for _ in 0..10 {
            blocklist.blocks(&token).await.unwrap_err();
        }
        assert_eq!(visitors.load(Ordering::SeqCst), pauses + 1, "just before {seconds} s are over");
        clock.advance(A_BIT);
        blocklist.blocks(&token).await.unwrap_err();
        assert_eq!(visitors.load(Ordering::SeqCst), pauses + 2, "after {seconds} s");
    }
}

#[tokio::test]
async fn many_that_fail_together_are_one_failure() {
    let (settings, visitors) = unfriendly().await;
    let (blocklist, clock) = blocklist(settings);
    let token = token();
    for answer in join_all((0..20).map(|_| blocklist.blocks(&token))).await {
        answer.unwrap_err();
    }
    let before = visitors.load(Ordering::SeqCst);
    clock.advance(Duration::from_secs(1));
    blocklist.blocks(&token).await.unwrap_err();
    assert_eq!(visitors.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn the_wall_clock_has_no_say_in_it() {
    let (settings, visitors) = unfriendly().await;
    let (blocklist, clock) = blocklist(settings);
    blocklist.blocks(&token()).await.unwrap_err();
    clock.set_wall(usher_domain::Timestamp::from_micros(i64::MAX));
    blocklist.blocks(&token()).await.unwrap_err();
    assert_eq!(visitors.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn one_call_probes_while_the_others_fail_at_once() {
    let (settings, mut visitors) = silent().await;
    let (blocklist, clock) = blocklist(RedisSettings { timeout: Duration::from_millis(100), ..settings });
    let token = token();
    blocklist.blocks(&token).await.unwrap_err();
    clock.advance(Duration::from_secs(1));
    let answers = join_all((0..20).map(|_| blocklist.blocks(&token))).await;
    let waited = answers.iter().filter(|it| format!("{:?}", it.as_ref().unwrap_err()).contains("TimedOut")).count();
    assert_eq!(waited, 1, "{answers:?}");
    let mut visits = 0;
    while visitors.try_recv().is_ok() {
        visits += 1;
    }
    assert_eq!(visits, 2, "the first call and the probe");
}

#[tokio::test]
async fn a_probe_that_is_broken_off_leaves_it_to_the_next_call() {
    let (settings, mut visitors) = silent().await;
    let (blocklist, clock) = blocklist(RedisSettings { timeout: Duration::from_millis(100), ..settings });
    let (blocklist, token) = (Arc::new(blocklist), token());
    blocklist.blocks(&token).await.unwrap_err();
    timeout(PATIENCE, visitors.recv()).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(1));
    for _ in 0..3 {
        let probe = tokio::spawn({
            let blocklist = Arc::clone(&blocklist);
            async move { blocklist.blocks(&token).await }
        });
        timeout(PATIENCE, visitors.recv()).await.expect("the call comes through").unwrap();
        probe.abort();
        assert!(probe.await.unwrap_err().is_cancelled());
    }
}
