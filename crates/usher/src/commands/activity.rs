use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use usher_api::ActivityRead;
use usher_domain::{ActivityFilter, Actor, PageSize};
use usher_service::ActivityManager;

use super::CommandError;
use crate::{
    cli::{Activity, ExportActivity},
    config::Config,
    console, database,
    start_error::chain,
};

/// After so many entries it is told how many there were.
const PROGRESS_STEP: usize = 10_000;

pub(super) async fn activity(command: &Activity, config: &Config) -> Result<(), CommandError> {
    let Activity::Export(wanted) = command;
    let backend = Arc::new(database::open(config).await?);
    let exported = export(&ActivityManager::new(backend.clone()), &wanted.filter()).await;
    backend.close().await;
    exported
}

/// Page by page, so that millions of entries need no more memory than a hundred.
async fn export(log: &ActivityManager, filter: &ActivityFilter) -> Result<(), CommandError> {
    let shows_progress = io::stderr().is_terminal();
    let (mut exported, mut before) = (0, None);
    loop {
        let list = log.list(&Actor::system(), filter, before, PageSize::MAX, false).await;
        let page = list.map_err(|error| failed(&error))?.page;
        let lines = page.items.iter().map(|entry| serde_json::to_string(&ActivityRead::from(entry)));
        let lines = lines.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
        if !lines.is_empty() {
            console::say(&lines.join("\n"));
        }
        exported += lines.len();
        if shows_progress && (exported % PROGRESS_STEP == 0 || page.next.is_none()) {
            console::overwrite(&format!("{exported} entries"));
        }
        before = page.next;
        if before.is_none() {
            if shows_progress {
                console::complain("");
            }
            return Ok(());
        }
    }
}

fn failed(error: &dyn std::error::Error) -> CommandError {
    CommandError::Failed(format!("the activity log cannot be read: {}", chain(error)))
}

impl ExportActivity {
    fn filter(&self) -> ActivityFilter {
        let Self { subject, actor, actions, outcome, from, to } = self;
        ActivityFilter {
            subject: *subject,
            actor: *actor,
            actions: actions.clone(),
            outcome: *outcome,
            from: *from,
            to: *to,
        }
    }
}
