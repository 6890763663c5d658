//! The binary: everything is in the library.

use std::process::ExitCode;

use clap::Parser;
use usher::{Cli, run};

fn main() -> ExitCode {
    run(&Cli::parse())
}
