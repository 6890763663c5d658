//! What Prometheus is told.

use std::{collections::BTreeSet, net::TcpListener};

use regex_lite::Regex;
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Place, QUICK, Server};

const DASHBOARD: &str = include_str!("../../../../docs/grafana-dashboard.json");

/// A server, and whoever asks where it is counted.
fn serve(place: &Place) -> (Server, Client) {
    let settings = [QUICK.as_slice(), &[("USHER__TELEMETRY__METRICS_BIND", "127.0.0.1:0")]].concat();
    let mut server = Server::start(place, &[], &settings);
    let line = server.line("/metrics");
    let (_, address) = line.split_once("http://").unwrap();
    let metrics = Client::new(address.trim_end_matches("/metrics").to_owned());
    (server, metrics)
}

/// The samples, each as it stands.
fn samples(metrics: &Client) -> Vec<String> {
    let answer = metrics.get("/metrics");
    assert_eq!(answer.status, 200);
    answer.body.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[track_caller]
fn value(samples: &[String], sample: &str) -> f64 {
    let found: Vec<_> = samples.iter().filter_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')).collect();
    assert_eq!(found.len(), 1, "{sample} in {samples:#?}");
    found[0].parse().unwrap()
}

fn names(text: &str) -> BTreeSet<String> {
    let name = Regex::new("usher_[a-z0-9_]+").unwrap();
    name.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

#[test]
fn logins_refreshes_requests_and_hashing_are_counted() {
    let place = Place::new();
    let (server, metrics) = serve(&place);
    let login = |password: &str| {
        let body = json!({ "identifier": "admin", "password": password, "token_delivery": "body" });
        server.client.post("/api/v1/auth/login", &body)
    };
    let good = login("admin").json();
    assert_eq!(login("wrong").status, 401);
    let token = good["data"]["refresh_token"].as_str().unwrap();
    for token in [token, "no.such.token"] {
        server.client.post("/api/v1/auth/refresh", &json!({ "refresh_token": token }));
    }
    let access = good["data"]["access_token"].as_str().unwrap();
    for _ in 0..3 {
        assert_eq!(server.client.get_with(access, "/api/v1/users/me/").status, 200);
    }

    let samples = samples(&metrics);
    for (sample, expected) in [
        (r#"usher_logins_total{outcome="success"}"#, 1.0),
        (r#"usher_logins_total{outcome="refused"}"#, 1.0),
        (r#"usher_logins_total{outcome="throttled"}"#, 0.0),
        (r#"usher_refreshes_total{outcome="success"}"#, 1.0),
        (r#"usher_refreshes_total{outcome="invalid"}"#, 1.0),
        (r#"usher_http_requests_total{method="POST",route="/api/v1/auth/login",status="401"}"#, 1.0),
        (r#"usher_http_requests_total{method="GET",route="/api/v1/users/me",status="200"}"#, 3.0),
        (r#"usher_http_request_duration_seconds_count{method="GET",route="/api/v1/users/me"}"#, 3.0),
        (r#"usher_state_cache_lookups_total{result="hit"}"#, 2.0),
        (r#"usher_state_cache_lookups_total{result="miss"}"#, 1.0),
        (r#"usher_token_cache_lookups_total{result="hit"}"#, 2.0),
        ("usher_hash_seconds_count", 2.0),
        ("usher_hash_wait_seconds_count", 2.0),
        ("usher_http_requests_in_flight", 0.0),
        (r#"usher_hash_jobs{state="waiting"}"#, 0.0),
        (r#"usher_db_connections_max{pool="write"}"#, 1.0),
        ("usher_mail_queue_mails", 0.0),
        (concat!(r#"usher_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
    ] {
        let is = value(&samples, sample);
        assert!((is - expected).abs() < f64::EPSILON, "{sample} is {is}");
    }
}

#[test]
fn a_limit_that_turns_somebody_away_is_counted() {
    let place = Place::new();
    let settings = [
        ("USHER__TELEMETRY__METRICS_BIND", "127.0.0.1:0"),
        ("USHER__THROTTLE__ENABLED", "true"),
        ("USHER__THROTTLE__SIGNUP_NETWORK__BURST", "1"),
    ];
    let mut server = Server::start(&place, &[], &[QUICK.as_slice(), &settings].concat());
    let line = server.line("/metrics");
    let metrics = Client::new(line.split_once("http://").unwrap().1.trim_end_matches("/metrics").to_owned());
    for (name, status) in [("ada", 201), ("bob", 429)] {
        let body = json!({ "username": name, "password": PASSWORD });
        assert_eq!(server.client.post("/api/v1/auth/signup", &body).status, status);
    }
    let turned_away = value(&samples(&metrics), r#"usher_throttled_total{limit="signup_network"}"#);
    assert!((turned_away - 1.0).abs() < f64::EPSILON, "{turned_away}");
}

/// Proves: OP-04
#[test]
fn no_label_is_of_a_clients_choice() {
    let place = Place::new();
    let (server, metrics) = serve(&place);
    for request in ["GET /canary?canary=canary", "CANARY /api/v1/users/me", "GET /api/v1/users/canary"] {
        server.client.send(&format!("{request} HTTP/1.1\r\nX-Request-Id: canary\r\n"), "");
    }
    let body = json!({ "identifier": "canary", "password": "canary" });
    server.client.post("/api/v1/auth/login", &body);
    let samples = samples(&metrics);
    assert!(!samples.iter().any(|line| line.to_lowercase().contains("canary")), "{samples:#?}");
    let unknown = r#"usher_http_requests_total{method="GET",route="none",status="404"}"#;
    assert!(value(&samples, unknown) >= 1.0);
}

/// Proves: IN-14
#[test]
fn metrics_have_an_address_of_their_own_and_nothing_else_is_there() {
    let place = Place::new();
    let (server, metrics) = serve(&place);
    assert_eq!(server.client.get("/metrics").status, 404);
    for path in ["/", "/health/live", "/api/v1/users/me", "/openapi.json"] {
        assert_eq!(metrics.get(path).status, 404, "{path}");
    }
    assert_eq!(server.stop().status.code(), Some(0));
    let silent = Server::start(&place, &[], &QUICK).stop();
    assert!(!silent.stdout.contains("/metrics"), "off unless it is asked for: {}", silent.stdout);
}

#[test]
fn an_address_for_metrics_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let settings = [QUICK.as_slice(), &[("USHER__TELEMETRY__METRICS_BIND", &address)]].concat();
    let refused = Place::new().run(&["serve"], &settings);
    assert_eq!(refused.code, Some(1));
    let hint = "free it, or choose another telemetry.metrics_bind";
    assert!(
        refused.stderr.contains(&format!("cannot listen on {address}")) && refused.stderr.contains(hint),
        "{refused:?}"
    );
}

/// A name that is misspelt, or that nobody records any more, would leave a panel empty.
#[test]
fn the_dashboard_asks_for_what_there_is_and_for_all_of_it() {
    let place = Place::new();
    let (server, metrics) = serve(&place);
    server.client.post("/api/v1/auth/login", &json!({ "identifier": "admin", "password": "admin" }));
    let answer = metrics.get("/metrics").body;
    let declared: BTreeSet<_> =
        answer.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned).collect();

    let board: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let asked: Vec<_> = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten().collect();
    assert!(asked.len() > 15, "{}", asked.len());
    let asked = names(&asked.iter().map(|target| target["expr"].as_str().unwrap()).collect::<Vec<_>>().join("\n"));
    let family = |name: &String| {
        let of_histogram = name.strip_suffix("_bucket").filter(|family| declared.contains(*family));
        of_histogram.map_or_else(|| name.clone(), str::to_owned)
    };
    let asked: BTreeSet<_> = asked.iter().map(family).collect();
    let asked: BTreeSet<_> = asked.into_iter().chain(["usher_build_info".to_owned()]).collect();
    let on_demand = BTreeSet::from(["usher_throttled_total".to_owned()]);
    assert_eq!(asked, &declared | &on_demand, "what the dashboard asks for, and what there is");
}
