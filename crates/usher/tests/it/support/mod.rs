//! A folder to work in, the binary run in it, and a client that is a few lines long.

mod client;
mod server;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub(crate) use client::Client;
pub(crate) use server::Server;
use tempfile::TempDir;
use usher::config::{Config, Faults, Sources};

/// A password that the policy has nothing against.
pub(crate) const PASSWORD: &str = "Xk7!vQz-mN4";

/// Cheap hashes and any free port.
pub(crate) const QUICK: [(&str, &str); 3] =
    [("USHER__PROFILE", "test"), ("USHER__HTTP__BIND", "127.0.0.1:0"), ("USHER__PASSWORD__BCRYPT_COST", "4")];

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
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
        Finished::of(&self.usher(arguments, variables).output().unwrap())
    }

    /// Runs the binary to its end, with this on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Finished {
        let mut child = self.usher(arguments, variables).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Finished::of(&child.wait_with_output().unwrap())
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
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
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
