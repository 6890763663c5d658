//! Where a request came from, seen in what a login leaves in the activity log.

use std::net::IpAddr;

use actix_web::test::TestRequest;
use serde_json::json;
use usher_domain::{ActivityEntry, ActivityFilter, PageSize};
use usher_storage::{ActivityQueries, MemoryBackend};

use crate::fixture::{PASSWORD, TestApi, draft, from};

fn login() -> TestRequest {
    TestRequest::post().uri("/api/v1/auth/login").set_json(json!({ "identifier": "ada", "password": "wrong" }))
}

async fn entry(trusted: &[&str], request: TestRequest) -> ActivityEntry {
    let (api, backend) = api(trusted).await;
    api.call(request).await.assert_refused(401, "INVALID_CREDENTIALS");
    latest(&backend).await
}

async fn latest(backend: &MemoryBackend) -> ActivityEntry {
    backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap().remove(0)
}

async fn api(trusted: &[&str]) -> (TestApi, std::sync::Arc<MemoryBackend>) {
    let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
    let api = TestApi::with(|state| state.settings.trusted_proxies = trusted).await;
    let backend = api.backend.clone();
    (api, backend)
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// Proves: LG-12
#[actix_web::test]
async fn nobody_is_believed_unless_he_is_trusted() {
    for name in ["X-Forwarded-For", "X-Real-IP", "Forwarded"] {
        let value = if name == "Forwarded" { "for=203.0.113.9" } else { "203.0.113.9" };
        let request = from(login().insert_header((name, value)), "198.51.100.7");
        assert_eq!(entry(&[], request).await.ip, ip("198.51.100.7"), "{name}");
        let request = from(login().insert_header((name, value)), "198.51.100.7");
        assert_eq!(entry(&["10.0.0.0/8"], request).await.ip, ip("198.51.100.7"), "{name}");
    }
}

/// Proves: LG-12
#[actix_web::test]
async fn behind_trusted_proxies_the_nearest_untrusted_hop_counts() {
    let trusted = ["10.0.0.0/8", "2001:db8::/32"];
    for (header, expected) in [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("1.2.3.4,203.0.113.9,10.9.9.9,2001:db8::1", "203.0.113.9"),
        ("10.1.1.1", "10.1.1.1"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2606:4700::1111", "2606:4700::1111"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("[2606:4700::1111]:4711", "2606:4700::1111"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, garbage", "10.0.0.1"),
        ("garbage, 10.2.2.2", "10.2.2.2"),
        ("", "10.0.0.1"),
    ] {
        let request = from(login().insert_header(("X-Forwarded-For", header)), "10.0.0.1");
        assert_eq!(entry(&trusted, request).await.ip, ip(expected), "{header}");
    }
    let two_lines =
        login().insert_header(("X-Forwarded-For", "1.2.3.4")).append_header(("X-Forwarded-For", "203.0.113.9"));
    assert_eq!(entry(&trusted, from(two_lines, "::ffff:10.0.0.1")).await.ip, ip("203.0.113.9"));
}

/// Proves: LG-12
#[actix_web::test]
async fn forwarded_is_read_like_x_forwarded_for_and_contradictions_are_not_believed() {
    let trusted = ["10.0.0.0/8"];
    for (header, expected) in [
        ("for=203.0.113.9", "203.0.113.9"),
        ("For=\"203.0.113.9:4711\";proto=https;by=10.0.0.1", "203.0.113.9"),
        ("for=1.2.3.4, for=\"[2606:4700::1111]:4711\"; proto=http, for=10.3.3.3", "2606:4700::1111"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden, for=10.3.3.3", "10.3.3.3"),
        ("proto=https", "10.0.0.1"),
    ] {
        let request = from(login().insert_header(("Forwarded", header)), "10.0.0.1");
        assert_eq!(entry(&trusted, request).await.ip, ip(expected), "{header}");
    }
    let both = |forwarded: &str| {
        let request = login().insert_header(("X-Forwarded-For", "203.0.113.9")).insert_header(("Forwarded", forwarded));
        from(request, "10.0.0.1")
    };
    assert_eq!(entry(&trusted, both("for=203.0.113.9")).await.ip, ip("203.0.113.9"));
    assert_eq!(entry(&trusted, both("for=1.2.3.4")).await.ip, ip("10.0.0.1"));
}

#[actix_web::test]
async fn user_agent_and_request_id_are_written_down() {
    let request = from(login(), "198.51.100.7")
        .insert_header(("User-Agent", "curl/8.0"))
        .insert_header(("X-Request-Id", "trace-1"));
    let entry = entry(&[], request).await;
    assert_eq!(entry.user_agent.as_deref(), Some("curl/8.0"));
    assert_eq!(entry.request_id.map(|id| id.to_string()).as_deref(), Some("trace-1"));
}

/// The default password is meant for the machine itself: a request that somebody passed on is not from
/// there, whoever is trusted.
#[actix_web::test]
async fn the_default_password_does_not_work_through_a_proxy() {
    let (api, _) = api(&["127.0.0.0/8"]).await;
    api.bootstrap().await;
    let admin = || {
        from(TestRequest::post().uri("/api/v1/auth/login"), "127.0.0.1")
            .set_json(json!({ "identifier": "admin", "password": "admin" }))
    };
    for name in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"] {
        let answer = api.call(admin().insert_header((name, "for=x"))).await;
        answer.assert_refused(403, "FORBIDDEN");
        assert!(answer.message().contains("bootstrap.admin_password"), "it says why: {answer:?}");
    }
    assert_eq!(api.call(admin()).await.status, 200);
    api.make(draft("ada")).await;
    let ada = TestRequest::post().uri("/api/v1/auth/login").insert_header(("X-Forwarded-For", "203.0.113.9"));
    assert_eq!(api.call(ada.set_json(json!({ "identifier": "ada", "password": PASSWORD }))).await.status, 200);
}
