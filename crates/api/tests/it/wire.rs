//! What shows only on a real connection.

use std::time::Duration;

use actix_web::{HttpServer, dev::ServerHandle, rt};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use usher_api::app;

use crate::fixture::TestApi;

/// Longer than anything here takes, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: std::net::SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Gives bodies 50 ms.
    async fn start() -> Self {
        let api = TestApi::with(|state| state.settings.body_timeout = Duration::from_millis(50)).await;
        let server = HttpServer::new(move || app(api.state.clone()))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        rt::spawn(server);
        Self { address, handle }
    }

    /// What comes back for these bytes until the server closes.
    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.expect("the server closes the connection").unwrap();
        String::from_utf8(answer).unwrap()
    }
}

fn login(fields: &str, body: &str) -> String {
    format!("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{fields}\r\n\r\n{body}")
}

fn assert_refused(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
    let fields = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(fields.contains("connection: close"), "{answer}");
    assert!(!fields.contains("\r\nserver:"), "{answer}");
}

/// Proves: IN-05
#[actix_web::test]
async fn a_body_that_does_not_end_is_answered_and_the_connection_closed() {
    let server = Server::start().await;
    let unfinished = [login("Content-Length: 100", "{"), login("Transfer-Encoding: chunked", "1\r\n{\r\n")];
    for answer in join_all(unfinished.iter().map(|request| server.send(request))).await {
        assert_refused(&answer, 408, "REQUEST_TIMEOUT");
    }
    server.handle.stop(false).await;
}

/// Proves: IN-02, IN-05
#[actix_web::test]
async fn a_body_that_nobody_wants_is_not_read_on() {
    let server = Server::start().await;
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, "x".repeat(20_000));
    let begun = "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
    let unwanted = [
        (login("Content-Length: 100000000", "{"), 413, "PAYLOAD_TOO_LARGE"),
        (login("Transfer-Encoding: chunked", &chunk), 413, "PAYLOAD_TOO_LARGE"),
        (format!("POST /nowhere HTTP/1.1\r\n{begun}"), 404, "NOT_FOUND"),
        (format!("POST /api/v1/users/me/password HTTP/1.1\r\n{begun}"), 401, "UNAUTHENTICATED"),
    ];
    let answers = join_all(unwanted.iter().map(|(request, ..)| server.send(request))).await;
    for (answer, (_, status, code)) in answers.iter().zip(&unwanted) {
        assert_refused(answer, *status, code);
    }
    server.handle.stop(false).await;
}

#[actix_web::test]
async fn a_connection_goes_on_after_a_body_that_was_read() {
    let server = Server::start().await;
    let chunked = login("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n");
    let measured = login("Content-Length: 2", "{}");
    let last = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answers = server.send(&format!("{chunked}{measured}{last}")).await;
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["422", "422", "200"], "{answers}");
    server.handle.stop(false).await;
}

#[actix_web::test]
async fn a_head_request_is_answered_without_a_body() {
    let server = Server::start().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = server.send(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
    let refused = server.send("HEAD /api/v1/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.ends_with("\r\n\r\n"), "{refused}");
    server.handle.stop(false).await;
}

/// Proves: CK-08, IN-06
#[actix_web::test]
async fn what_the_parser_refuses_has_no_body_and_tells_nothing() {
    let server = Server::start().await;
    let many_fields: String = (0..100).map(|i| format!("X-{i}: x\r\n")).collect();
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /health/live HTTP/1.1\r\nHost : x\r\n\r\n".to_owned(), 400),
        (login("Content-Length: 2\r\nContent-Length: 3", "{}"), 400),
        (login("Content-Length: 2\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"), 400),
        (login("Transfer-Encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n"), 400),
        (format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{many_fields}\r\n"), 431),
    ] {
        let answer = server.send(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.to_lowercase().contains("\r\nserver:"), "{answer}");
    }
    server.handle.stop(false).await;
}
