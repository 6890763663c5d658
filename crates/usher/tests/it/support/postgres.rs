use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{PATIENCE, number};

/// A PostgreSQL of a test's own, on a free port, to be restarted and held up at will. It ends with this value.
pub(crate) struct PostgresServer {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shutdown {
    /// Whoever is connected is told, what is open is rolled back.
    Fast,
    /// As in a crash.
    Immediate,
}

impl PostgresServer {
    /// One that runs. None where it is not installed.
    pub(crate) fn up() -> Option<Self> {
        let mut server = Self::down()?;
        server.start();
        Some(server)
    }

    /// One that does not run yet. None where it is not installed.
    pub(crate) fn down() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(number("USHER_TEST_REQUIRE_SERVICES", 0) != 1, "there is no PostgreSQL to be started");
            return None;
        };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        if geteuid().is_root() {
            let (user, group) = (id("-u"), id("-g"));
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let server = Self { programs, folder, port, process: None };
        let mut made = server.command("initdb");
        made.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]);
        let made = made.arg("--pgdata=data").output().unwrap();
        assert!(made.status.success(), "{made:?}");
        Some(server)
    }

    /// Where its database is, as in `database.url`.
    pub(crate) fn url(&self) -> String {
        self.url_at("127.0.0.1")
    }

    /// The same, by another name of this machine.
    pub(crate) fn url_at(&self, host: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres", self.port)
    }

    /// Says who is let in, and how (pg_hba.conf).
    pub(crate) fn admit(&self, rules: &str) {
        self.write("data/pg_hba.conf", rules);
    }

    /// Puts a file into its folder that only the server reads; answers where it is.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        if geteuid().is_root() {
            chown(&path, Some(id("-u")), Some(id("-g"))).unwrap();
        }
        path.to_str().unwrap().to_owned()
    }

    /// Starts it, and waits until it takes connections.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same, with settings of its own.
    pub(crate) fn start_with(&mut self, settings: &[String]) {
        assert!(self.process.is_none(), "it runs already");
        let (port, folder) = (self.port.to_string(), self.folder.path().to_str().unwrap());
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-p", &port, "-h", "127.0.0.1", "-k", folder, "-F", "-c", "log_min_messages=log"]);
        command.args(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, said) = mpsc::channel();
        // Reads to the end, so that the server can go on talking.
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        self.process = Some(process);
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.contains("ready to accept connections")) {
            lines.push(said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not start: {lines:?}")));
        }
    }

    pub(crate) fn stop(&mut self, how: Shutdown) {
        let mut process = self.process.take().unwrap();
        let signal = match how {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
        };
        kill_process(Pid::from_child(&process), signal).unwrap();
        process.wait().unwrap();
    }

    /// Opens a transaction that does this, from outside, and leaves it open for as long as what is answered.
    pub(crate) fn hold(&self, statement: &str) -> Held {
        let mut command = self.command("psql");
        let command = command.args([&self.url(), "-qtA", "-v", "ON_ERROR_STOP=1"]).stdin(Stdio::piped());
        let mut client = command.stdout(Stdio::piped()).spawn().unwrap();
        let input = client.stdin.as_mut().unwrap();
        writeln!(input, "BEGIN; {statement}; SELECT 'held';").unwrap();
        let mut line = String::new();
        BufReader::new(client.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Held(client)
    }

    /// Holds it up: the system takes connections for it, and nothing is answered.
    pub(crate) fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// To the one that starts the others first: from then on there are no more of them.
    fn signal_all(&self, signal: Signal) {
        let first = Pid::from_child(self.process.as_ref().unwrap());
        kill_process(first, signal).unwrap();
        for process in fs::read_dir("/proc").unwrap() {
            // Processes come and go while they are looked at.
            let Ok(stat) = fs::read_to_string(process.unwrap().path().join("stat")) else { continue };
            let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
            let process = stat.split(' ').next().and_then(|id| Pid::from_raw(id.parse().ok()?));
            if let (Some(parent), Some(process)) = (parent, process)
                && Pid::from_raw(parent) == Some(first)
            {
                let _ = kill_process(process, signal);
            }
        }
    }

    /// One of its programs, in its folder, as somebody who may run it: it refuses to be run by root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.resume();
            self.stop(Shutdown::Immediate);
        }
    }
}

/// A transaction that is open; rolled back with this value.
pub(crate) struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// Where the programs are: the newest, as Debian has them, or where everything is.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map(|version| version.unwrap().path());
    let mut found: Vec<_> = versions.map(|version| version.join("bin")).collect();
    found.sort();
    found.extend(["/usr/local/bin".into(), "/usr/bin".into()]);
    found.into_iter().find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
}

fn id(which: &str) -> u32 {
    let id = Command::new("id").args([which, "postgres"]).output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().parse().unwrap()
}
