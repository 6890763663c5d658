use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus},
    sync::mpsc::{self, Receiver},
    thread,
};

use super::{Client, PATIENCE, Place, read_all};

/// A server in a process of its own; killed, if it still runs, with this value.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    log: Receiver<String>,
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
    /// Starts `usher` and waits until it says where it listens, and serves there: only then it can be asked to
    /// end.
    pub(crate) fn start(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::run(place.usher(arguments, variables))
    }

    /// The same, or how it ended instead.
    pub(crate) fn try_to_start(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self, Ended> {
        Self::try_to_run(place.usher(arguments, variables))
    }

    /// The same with a command that runs the binary.
    pub(crate) fn run(command: Command) -> Self {
        Self::try_to_run(command).unwrap_or_else(|ended| panic!("it does not start: {ended:?}"))
    }

    fn try_to_run(mut command: Command) -> Result<Self, Ended> {
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let log = read_all(child.stderr.take().unwrap());
        let mut server = Self { child, lines, said: Vec::new(), log, client: Client::new(String::new()) };
        let Some(line) = server.find("listens on http://") else { return Err(server.kill()) };
        let (_, address) = line.split_once("http://").unwrap();
        server.client = Client::new(address.to_owned());
        assert_eq!(server.client.get("/health/live").status, 200);
        Ok(server)
    }

    /// The next line on standard output that holds this.
    pub(crate) fn line(&mut self, needle: &str) -> String {
        self.find(needle).unwrap_or_else(|| {
            let ended = self.kill();
            panic!("no line with {needle:?}: {ended:?}")
        })
    }

    fn find(&mut self, needle: &str) -> Option<String> {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).ok()?;
            self.said.push(line.clone());
            if line.contains(needle) {
                return Some(line);
            }
        }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn process(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Asks it to end, as an operator would.
    #[cfg(unix)]
    pub(crate) fn terminate(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Ends it, where nobody can be asked.
    #[cfg(not(unix))]
    pub(crate) fn terminate(&mut self) {
        self.child.kill().unwrap();
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(mut self) -> Ended {
        self.terminate();
        self.wait()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> Ended {
        let status = self.child.wait().unwrap();
        self.said.extend(self.lines.iter());
        let stderr = self.log.recv_timeout(PATIENCE).unwrap_or_default();
        Ended { status, stdout: self.said.join("\n"), stderr }
    }

    /// Ends it, if it has not ended by itself.
    fn kill(&mut self) -> Ended {
        let _ = self.child.kill();
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
