//! A server that is asked to stop while everybody asks it something: who is connected is answered.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use crate::support::{Client, NoAnswer, Place, QUICK, Server, Watch, tell};

/// Clients with a connection for each request, and such as keep theirs.
const FRESH: usize = 48;
const KEPT: usize = 16;

/// What one client was answered until there was no connection any more.
#[derive(Default)]
struct Answered {
    good: usize,
    put_off: usize,
    lost: Vec<String>,
}

impl Answered {
    fn count(&mut self, status: u16) {
        match status {
            200 => self.good += 1,
            503 => self.put_off += 1,
            other => self.lost.push(other.to_string()),
        }
    }
}

fn ask_with_fresh_connections(client: &Client) -> Answered {
    let mut answered = Answered::default();
    loop {
        match client.try_to("GET", "", "/health/live", None) {
            Ok(answer) if answer.status == 503 && !answer.asks_to_come_back() => {
                answered.lost.push(format!("{answer:?}"));
            }
            Ok(answer) => answered.count(answer.status),
            Err(NoAnswer::Refused(_)) => return answered,
            Err(NoAnswer::Broken(how)) => answered.lost.push(how),
        }
    }
}

/// Goes on with a connection until an answer says that it is closed.
fn ask_with_kept_connections(client: &Client) -> Answered {
    let mut answered = Answered::default();
    while let Ok(mut stream) = TcpStream::connect(client.address()) {
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        loop {
            let sent = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
            let Some((status, is_closed)) = read_answer(&mut answers) else {
                answered.lost.push(format!("{sent:?}"));
                break;
            };
            answered.count(status);
            if is_closed {
                break;
            }
        }
    }
    answered
}

/// The status, and whether the connection is closed. None if the answer is not whole.
fn read_answer(answers: &mut impl BufRead) -> Option<(u16, bool)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if answers.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    answers.read_exact(&mut vec![0; length]).ok()?;
    Some((head.split(' ').nth(1)?.parse().ok()?, head.contains("\r\nconnection: close\r\n")))
}

fn stop_under_load(drain_delay: &str) {
    let settings = [("USHER__HTTP__DRAIN_DELAY", drain_delay), ("USHER__HTTP__DRAIN_TIMEOUT", "10s")];
    let mut server = Server::start(&Place::new(), &[], &[QUICK.as_slice(), &settings].concat());
    let client = server.client.clone();
    let (mut all, mut ended, mut took) = (Answered::default(), None, Duration::ZERO);
    thread::scope(|scope| {
        let fresh = (0..FRESH).map(|_| scope.spawn(|| ask_with_fresh_connections(&client))).collect::<Vec<_>>();
        let kept = (0..KEPT).map(|_| scope.spawn(|| ask_with_kept_connections(&client))).collect::<Vec<_>>();
        // In the middle of it.
        thread::sleep(Duration::from_millis(300));
        server.terminate();
        let watch = Watch::start();
        ended = Some(server.wait());
        took = watch.elapsed();
        for one in fresh.into_iter().chain(kept).map(|client| client.join().unwrap()) {
            all.good += one.good;
            all.put_off += one.put_off;
            all.lost.extend(one.lost);
        }
    });
    let (good, put_off, lost) = (all.good, all.put_off, all.lost);
    tell(&format!(
        "delay {drain_delay}: {good} answered, {put_off} put off, {} lost, ended after {took:?}",
        lost.len()
    ));
    // No system can be told to take no further connection before the listener is closed.
    assert!(lost.len() <= 1, "{lost:?}");
    assert!(good > FRESH + KEPT);
    assert_eq!(ended.unwrap().status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "ended after {took:?}");
}

#[test]
fn who_is_connected_when_the_server_stops_is_answered() {
    stop_under_load("0s");
}

#[test]
fn who_is_connected_when_the_server_stops_after_a_delay_is_answered() {
    stop_under_load("300ms");
}
