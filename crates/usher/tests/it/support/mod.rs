//! A folder to work in, the binary run in it, and a client that is a few lines long.

mod client;
mod load;
mod mail;
mod post;
#[cfg(target_os = "linux")]
mod postgres;
mod server;
mod watch;

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

pub(crate) use client::{Answer, Client, NoAnswer};
pub(crate) use load::{Asked, Load, Step};
pub(crate) use mail::{Office, token_in};
pub(crate) use post::Post;
#[cfg(target_os = "linux")]
pub(crate) use postgres::{PostgresServer, Shutdown};
pub(crate) use server::Server;
use tempfile::TempDir;
use usher::config::{Config, Faults, Sources};
pub(crate) use watch::{Watch, number, tell};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary.
pub(crate) const USHER: &str = env!("CARGO_BIN_EXE_usher");

/// A password that the policy has nothing against.
pub(crate) const PASSWORD: &str = "Xk7!vQz-mN4";

/// Cheap hashes, any free port, and nobody who is held back.
pub(crate) const QUICK: [(&str, &str); 4] = [
    ("USHER__PROFILE", "test"),
    ("USHER__HTTP__BIND", "127.0.0.1:0"),
    ("USHER__PASSWORD__BCRYPT_COST", "4"),
    ("USHER__THROTTLE__ENABLED", "false"),
];

/// A master key, for what needs one that is given.
pub(crate) const MASTER_KEY: (&str, &str) =
    ("USHER__SECRETS__MASTER_KEY", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=");

/// A folder of a test's own, which the binary runs in.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The binary with these arguments, in this folder, with nothing of the machine's own settings.
    pub(crate) fn usher(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        self.program(USHER, arguments, variables)
    }

    /// The same with another program, which may run the binary.
    pub(crate) fn program(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(program);
        if cfg!(unix) {
            // Elsewhere nothing runs without some of it.
            command.env_clear();
        }
        command.args(arguments).envs(variables.iter().copied()).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
        Finished::wait_for(self.usher(arguments, variables).spawn().unwrap())
    }

    /// Runs the binary to its end, with this on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Finished {
        let mut child = self.usher(arguments, variables).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Finished::wait_for(child)
    }
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// A process that should end by itself; killed if it does not.
    fn wait_for(mut child: Child) -> Self {
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        let texts = stdout.recv_timeout(PATIENCE).and_then(|stdout| Ok((stdout, stderr.recv_timeout(PATIENCE)?)));
        let Ok((stdout, stderr)) = texts else {
            child.kill().unwrap();
            panic!("it does not end");
        };
        Self { code: child.wait().unwrap().code(), stdout, stderr }
    }
}

/// Reads a pipe to its end, on a thread of its own.
fn read_all(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, text) = mpsc::channel();
    thread::spawn(move || {
        let mut read = String::new();
        pipe.read_to_string(&mut read).unwrap();
        // Nobody waits any more once the test is over.
        let _ = sender.send(read);
    });
    text
}

/// Sources with these environment variables.
pub(crate) fn variables(variables: &[(&str, &str)]) -> Sources {
    variables.iter().fold(Sources::default(), |sources, (name, value)| sources.with_variable(name, value))
}

/// The configuration with these keys set.
pub(crate) fn load(settings: &[(&str, &str)]) -> Result<Config, Faults> {
    let sources =
        settings.iter().fold(Sources::default(), |sources, (key, value)| sources.with(key, *value, "the test"));
    Config::load(&sources)
}

/// The one line that is said about these settings.
pub(crate) fn only_fault(settings: &[(&str, &str)]) -> String {
    let faults = load(settings).unwrap_err();
    assert_eq!(faults.0.len(), 1, "{faults}");
    faults.to_string()
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
