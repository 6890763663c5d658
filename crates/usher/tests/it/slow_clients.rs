//! Clients who take their time, and such as send more than anybody wants: others do not notice.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{PASSWORD, Place, QUICK, Server, Watch, tell};

const CLIENTS: usize = 1000;

/// How long others wait at most, but for one in a hundred; and what a busy machine adds.
const P99: Duration = Duration::from_millis(50);
const SLACK: Duration = Duration::from_millis(100);

/// The most memory that all of them may take, in KiB.
const MEMORY: u64 = 48 * 1024;

fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process().as_raw_pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How long the slowest of a hundred requests takes.
fn p99(server: &Server, token: &str) -> Duration {
    let mut times: Vec<_> = (0..500)
        .map(|_| {
            let watch = Watch::start();
            assert_eq!(server.client.get_with(token, "/api/v1/users/me").status, 200);
            watch.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() * 99 / 100]
}

/// Proves: IN-05
#[test]
fn a_thousand_slow_clients_and_bodies_without_end_hold_nobody_up() {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum }).unwrap();
    let place = Place::new();
    let limits = [("USHER__HTTP__HEADER_TIMEOUT", "3s"), ("USHER__HTTP__BODY_TIMEOUT", "3s")];
    let server = Server::start(&place, &[], &[QUICK.as_slice(), &limits].concat());
    assert_eq!(server.client.sign_up("ada").status, 201);
    let token = server.client.login("ada", PASSWORD).json()["data"]["access_token"].as_str().unwrap().to_owned();
    let (quiet, before) = (p99(&server, &token), resident(&server));

    let head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    // Half a head, and a body of which the first byte comes.
    let beginnings = [head.to_owned(), format!("{head}Content-Length: 100\r\n\r\n{{")];
    let mut slow: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let mut stream = TcpStream::connect(server.client.address()).unwrap();
            stream.write_all(beginnings[n % 2].as_bytes()).unwrap();
            stream
        })
        .collect();
    let loud = p99(&server, &token);
    // A hundred megabytes, announced and not.
    for length in ["Content-Length: 100000000", "Transfer-Encoding: chunked"] {
        let mut stream = TcpStream::connect(server.client.address()).unwrap();
        write!(stream, "{head}{length}\r\n\r\n").unwrap();
        let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        // Whether all of it is taken is not the question; it is refused long before.
        let _ = (0..100_000_000 / 0x10000).try_for_each(|_| stream.write_all(piece.as_bytes()));
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{length}: {answer:?} {read:?}");
    }
    let more = resident(&server).saturating_sub(before);
    tell(&format!("p99 {quiet:?} quiet, {loud:?} beside {CLIENTS} slow clients; {more} KiB more"));
    assert!(loud < P99 + SLACK, "{loud:?}");
    assert!(more < MEMORY, "{more} KiB more");

    let watch = Watch::start();
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = Vec::new();
        // Reset is as good as closed; what must not be is that it goes on.
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "still open");
        }
    }
    assert!(watch.elapsed() < Duration::from_secs(10), "closed after {:?}", watch.elapsed());
}
