use std::{
    fmt,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{Once, mpsc},
    thread,
    time::Duration,
};

use redis::FromRedisValue;
use tempfile::TempDir;

use super::{PATIENCE, ask, skip};
use crate::RedisSettings;

/// How often a server is started on a port that somebody else has just now.
const STARTS: u32 = 50;

/// How long to wait between two such starts.
const TURN: Duration = Duration::from_millis(100);

/// A Redis server of a test's own, on a free port, to be started, stopped and held up at will. It ends
/// with this value.
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl RedisServer {
    /// One that does not run yet. If there is no `redis-server` on this machine, the first call says on
    /// standard error what is skipped, and there is none.
    ///
    /// # Panics
    /// If there is no `redis-server` and `USHER_TEST_REQUIRE_SERVICES` is `1`.
    #[must_use]
    pub fn down() -> Option<Self> {
        static SAID: Once = Once::new();
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            return skip(&SAID, "there is no redis-server to be started");
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        Some(Self { folder: tempfile::tempdir().unwrap(), port, process: None })
    }

    /// One that runs; else as [`down`](Self::down).
    ///
    /// # Panics
    /// As [`down`](Self::down), and if it does not start.
    #[must_use]
    pub fn up() -> Option<Self> {
        let mut server = Self::down()?;
        server.start(&[]);
        Some(server)
    }

    /// Starts it with these arguments besides its own, and waits until it takes connections. It holds
    /// nothing.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(&mut self, arguments: &[&str]) {
        assert!(self.process.is_none(), "it runs already");
        for _ in 0..STARTS {
            self.process = self.try_to_start(arguments);
            if self.process.is_some() {
                return;
            }
            thread::sleep(TURN);
        }
        panic!("redis-server does not start on port {} with {arguments:?}", self.port);
    }

    fn try_to_start(&self, arguments: &[&str]) -> Option<Child> {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, is_ready) = mpsc::channel();
        // Reads to the end, so that the server can go on talking.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("Ready to accept connections") {
                    // Nobody waits any more where it took too long.
                    let _ = sender.send(());
                }
            }
        });
        if is_ready.recv_timeout(PATIENCE).is_ok() {
            return Some(process);
        }
        end(process);
        None
    }

    /// Ends it as a crash would: what it held is gone.
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        end(self.process.take().unwrap());
    }

    /// Holds it up: it runs, takes connections, and answers nothing.
    ///
    /// # Panics
    /// If it does not run.
    #[cfg(unix)]
    pub fn pause(&self) {
        use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

        let process = Pid::from_child(self.process.as_ref().unwrap());
        kill_process(process, Signal::STOP).unwrap();
        waitpid(Some(process), WaitOptions::UNTRACED).unwrap();
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// If it does not run.
    #[cfg(unix)]
    pub fn resume(&self) {
        use rustix::process::{Pid, Signal, kill_process};

        kill_process(Pid::from_child(self.process.as_ref().unwrap()), Signal::CONT).unwrap();
    }

    /// The port that it listens on when it runs.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is when it runs, as in `redis.url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How to reach it, with more time than a busy machine needs.
    #[must_use]
    pub fn settings(&self) -> RedisSettings {
        RedisSettings { timeout: PATIENCE, ..RedisSettings::new(self.url()) }
    }

    /// Does one command, given as on the command line of `redis-cli`.
    ///
    /// # Panics
    /// If it does not answer, or refuses.
    pub fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        ask(&self.url(), words)
    }

    /// How often it was asked to do this command since it was started.
    ///
    /// # Panics
    /// As [`ask`](Self::ask).
    #[must_use]
    pub fn calls(&self, command: &str) -> u64 {
        let counted: String = self.ask(&["INFO", "commandstats"]);
        let line = format!("cmdstat_{command}:calls=");
        let calls = counted.lines().find_map(|counts| counts.strip_prefix(&line)?.split(',').next());
        calls.map_or(0, |calls| calls.parse().unwrap())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            end(process);
        }
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer").field("port", &self.port).finish_non_exhaustive()
    }
}

fn end(mut process: Child) {
    // It may have ended by itself.
    let _ = process.kill();
    let _ = process.wait();
}
