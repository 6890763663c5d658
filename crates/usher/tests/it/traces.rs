//! What an OpenTelemetry collector is told.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc::{self, Receiver},
    thread,
};

use serde_json::json;

use crate::support::{PASSWORD, Place, QUICK, Server};

/// A collector that takes everything: its address, and the bodies that it is sent.
fn collector() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, bodies) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(body) = read_post(&mut reader) {
                    let _ = sender.send(body);
                    (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                }
            });
        }
    });
    (address, bodies)
}

/// The body of the next request; none at the end.
fn read_post(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_lowercase()),
        }
    }
    assert!(lines[0].starts_with("post /v1/traces "), "{lines:?}");
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Proves: OP-04
#[cfg(unix)]
#[test]
fn a_request_is_told_of_in_the_trace_of_its_caller_and_without_secrets() {
    let (address, bodies) = collector();
    let settings = [QUICK.as_slice(), &[("USHER__TELEMETRY__OTLP_ENDPOINT", &address)]].concat();
    let server = Server::start(&Place::new(), &[], &settings);
    let sign_up = json!({ "username": "ada", "password": PASSWORD, "token_delivery": "body" });
    let signed_up = server.client.post("/api/v1/auth/signup", &sign_up).json();
    let token = signed_up["data"]["tokens"]["access_token"].as_str().unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let head =
        format!("GET /api/v1/users/me?canary=1 HTTP/1.1\r\nAuthorization: Bearer {token}\r\ntraceparent: {parent}\r\n");
    server.client.send(&head, "");
    assert_eq!(server.stop().status.code(), Some(0));

    let told = bodies.try_iter().collect::<Vec<_>>().concat();
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    let span = 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes();
    for expected in [
        b"POST /api/v1/auth/signup".as_slice(),
        b"GET /api/v1/users/me",
        b"http.request.method",
        b"http.response.status_code",
        b"hash password",
        b"transaction",
        b"usher",
        &trace,
        &span,
    ] {
        assert!(has(&told, expected), "{:?} is missing", String::from_utf8_lossy(expected));
    }
    for secret in [PASSWORD, token, "canary", "Bearer"] {
        assert!(!has(&told, secret.as_bytes()), "{secret} is told");
    }
}

#[cfg(unix)]
#[test]
fn a_collector_that_is_not_there_holds_nobody_up() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{nobody}");
    let settings = [QUICK.as_slice(), &[("USHER__TELEMETRY__OTLP_ENDPOINT", &address)]].concat();
    let server = Server::start(&Place::new(), &[], &settings);
    assert_eq!(server.client.login("admin", "admin").status, 200);
    assert_eq!(server.stop().status.code(), Some(0));
}

#[test]
fn what_is_no_address_of_a_collector_is_refused() {
    for bad in ["localhost:4318", "grpc://localhost:4317", "http://user:secret@localhost:4318", "http://a?b=c"] {
        let settings = [QUICK.as_slice(), &[("USHER__TELEMETRY__OTLP_ENDPOINT", bad)]].concat();
        let refused = Place::new().run(&["config", "check"], &settings);
        assert_eq!(refused.code, Some(78), "{bad}: {refused:?}");
        assert!(refused.stderr.contains("telemetry.otlp_endpoint"), "{refused:?}");
    }
}
