use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, ExitStatus},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Client, Place};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a process of its own; killed, if it still runs, with this value.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    log: Option<JoinHandle<String>>,
    pub(crate) client: Client,
}

/// How a server ended, and all that it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Server {
    /// Starts `usher` and waits until it says where it listens.
    pub(crate) fn start(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = place.usher(arguments, variables).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let stderr = child.stderr.take().unwrap();
        let log = Some(thread::spawn(move || read_all(stderr)));
        let mut server = Self { child, lines, said: Vec::new(), log, client: Client::new(String::new()) };
        let line = server.line("listens on http://");
        let (_, address) = line.split_once("http://").unwrap();
        server.client = Client::new(address.to_owned());
        server
    }

    /// The next line on standard output that holds this.
    pub(crate) fn line(&mut self, needle: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                let log = self.kill();
                panic!("no line with {needle:?} after {:?}: {log}", self.said);
            };
            self.said.push(line.clone());
            if line.contains(needle) {
                return line;
            }
        }
    }

    pub(crate) fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Asks it to end, as an operator would, and waits for that.
    pub(crate) fn stop(mut self) -> Ended {
        rustix::process::kill_process(self.id(), rustix::process::Signal::TERM).unwrap();
        self.wait()
    }

    fn wait(&mut self) -> Ended {
        let status = self.child.wait().unwrap();
        self.said.extend(self.lines.iter());
        let stderr = self.log.take().unwrap().join().unwrap();
        Ended { status, stdout: self.said.join("\n"), stderr }
    }

    fn kill(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read_all(mut stderr: ChildStderr) -> String {
    let mut text = String::new();
    let _ = stderr.read_to_string(&mut text);
    text
}
