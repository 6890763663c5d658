//! Behind a real proxy: HAProxy, started by the test.
#![cfg(unix)]

use std::{
    fs,
    net::{IpAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;
use usher_tests::TestApp;

/// How often the proxy is asked whether it is there, and how long in between: half a minute.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

struct Proxy {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Proxy {
    /// In front of this address; none where there is no `haproxy` and none is needed.
    fn start(backend: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let configuration = folder.path().join("haproxy.cfg");
        let text = format!(
            "defaults\n mode http\n timeout client 30s\n timeout server 30s\n timeout connect 5s\n option forwardfor\n\
             frontend front\n bind {address}\n default_backend back\n\
             backend back\n server usher {backend}\n"
        );
        fs::write(&configuration, text).unwrap();
        let started = Command::new("haproxy").arg("-db").arg("-f").arg(&configuration).stderr(Stdio::null()).spawn();
        let Ok(process) = started else {
            assert!(!services_are_required(), "there is no haproxy on this machine");
            return None;
        };
        let proxy = Self { process, address, _folder: folder };
        for _ in 0..ATTEMPTS {
            if TcpStream::connect(&proxy.address).is_ok() {
                return Some(proxy);
            }
            thread::sleep(PAUSE);
        }
        panic!("the proxy does not start");
    }

    /// The status of a wrong password from this address.
    async fn guess(&self, from: &str, forwarded_for: Option<&str>) -> u16 {
        let client = reqwest::Client::builder().local_address(from.parse::<IpAddr>().unwrap()).build().unwrap();
        let request = client.post(format!("http://{}/api/v1/auth/login", self.address));
        let request = match forwarded_for {
            Some(claimed) => request.header("x-forwarded-for", claimed),
            None => request,
        };
        let body = json!({"identifier": "ada", "password": "Not-it-7-times"});
        request.json(&body).send().await.unwrap().status().as_u16()
    }
}

#[expect(clippy::disallowed_methods, reason = "what tests may skip is said in the environment")]
fn services_are_required() -> bool {
    std::env::var("USHER_TEST_REQUIRE_SERVICES").is_ok_and(|value| value == "1")
}

/// Proves: LG-12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_trusted_proxy_limits_are_those_of_each_client() {
    let settings = [("throttle.enabled", "true"), ("http.trusted_proxies", "127.0.0.1/32")];
    let app = TestApp::on_sqlite_with(&settings).await;
    let Some(proxy) = Proxy::start(app.address()) else { return };
    for _ in 0..5 {
        assert_eq!(proxy.guess("127.0.0.2", None).await, 401);
    }
    assert_eq!(proxy.guess("127.0.0.2", None).await, 429);
    assert_eq!(proxy.guess("127.0.0.2", Some("192.0.2.1")).await, 429, "what a client claims changes nothing");
    assert_eq!(proxy.guess("127.0.0.3", None).await, 401, "another client has limits of his own");
}

/// Proves: LG-12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_that_is_not_trusted_all_are_one_client() {
    let app = TestApp::on_sqlite_with(&[("throttle.enabled", "true")]).await;
    let Some(proxy) = Proxy::start(app.address()) else { return };
    for n in 2..7 {
        assert_eq!(proxy.guess(&format!("127.0.0.{n}"), None).await, 401);
    }
    assert_eq!(proxy.guess("127.0.0.8", None).await, 429);
}
