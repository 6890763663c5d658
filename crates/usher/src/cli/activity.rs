use clap::{Args, Subcommand};
use usher_domain::{Action, Outcome, Timestamp, UserId};

/// What to do with the activity log.
#[derive(Debug, Subcommand)]
pub enum Activity {
    /// Write entries to standard output, one JSON object a line, the newest first
    Export(ExportActivity),
}

/// Which entries are meant; everything that is given must hold.
#[derive(Debug, Args)]
pub struct ExportActivity {
    /// Only what was done to the account with this id
    #[arg(long, value_name = "ID")]
    pub subject: Option<UserId>,
    /// Only what the account with this id did
    #[arg(long, value_name = "ID")]
    pub actor: Option<UserId>,
    /// Only these actions, such as auth.login
    #[arg(long = "action", value_name = "ACTION")]
    pub actions: Vec<Action>,
    /// Only what ended so: success or failure
    #[arg(long)]
    pub outcome: Option<Outcome>,
    /// Only what happened at this moment or later, such as 2030-01-01T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub from: Option<Timestamp>,
    /// Only what happened before this moment
    #[arg(long, value_name = "MOMENT")]
    pub to: Option<Timestamp>,
}
