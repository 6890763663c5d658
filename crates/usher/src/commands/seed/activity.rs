//! Entries of the activity log for the made-up accounts.

use usher_domain::{ActivityEntry, ActivityFilter, Clock, UserId, UserScope};
use usher_storage::{ActivityQueries, StorageError, UserQueries, UsersStorageBackend};

use super::{
    Seeder,
    deeds::{self, People},
    dice::{Dice, Of},
    people,
    progress::Progress,
};
use crate::{commands::CommandError, console, start_error::chain};

/// How many entries are written in one transaction.
const BATCH: u32 = 5_000;

/// How many do much, and how many others are about in one batch.
const STAFF: u32 = 50;
const CROWD: u32 = 400;

impl Seeder<'_> {
    /// Adds entries until there are that many, about accounts of so many. A batch is there as a whole, or not at all.
    pub(super) async fn fill_activity_log(&self, wanted: u32, of: u32, clock: &dyn Clock) -> Result<(), CommandError> {
        let failed = |error: StorageError| failed(&error);
        let there = self.backend.activity_count(&ActivityFilter::default(), wanted.into()).await.map_err(failed)?;
        let there = u32::try_from(there).unwrap_or(wanted);
        let progress = Progress::new("entries", wanted, clock);
        let mut people = People { staff: self.accounts(1..=of.min(STAFF)).await?, crowd: Vec::new() };
        let mut done = there;
        while done < wanted {
            let batch = done / BATCH;
            let last = wanted.min((batch + 1).saturating_mul(BATCH));
            let mut dice = Dice::new(Of::Crowd, batch);
            // Accounts are made one after the other over two years; entries are of the second.
            let made = u64::from(of) * u64::from(wanted + done) / (2 * u64::from(wanted));
            people.crowd = self.accounts((0..CROWD.min(of)).map(|_| number(&mut dice, made))).await?;
            let entries: Vec<_> = (done + 1..=last).map(|number| deeds::entry(number, wanted, &people)).collect();
            self.append(&entries).await.map_err(failed)?;
            progress.show(last, last - there);
            done = last;
        }
        let (made, took) = (wanted - there, progress.took().as_secs_f64());
        let rate = progress.rate(made);
        console::say(&format!("wrote {made} entries of the activity log in {took:.1} s ({rate} a second)"));
        Ok(())
    }

    /// The ids that the accounts with these numbers have.
    async fn accounts(&self, numbers: impl Iterator<Item = u32>) -> Result<Vec<UserId>, CommandError> {
        let mut accounts = Vec::new();
        for number in numbers {
            let username = people::username(number).map_err(|fault| super::not_made_up(&fault))?;
            let account = self.backend.user_by_username(&username, UserScope::WithDeleted).await;
            accounts.extend(account.map_err(|error| failed(&error))?.map(|account| account.user.id));
        }
        Ok(accounts)
    }

    async fn append(&self, entries: &[ActivityEntry]) -> Result<(), StorageError> {
        let transaction = self.backend.begin().await?;
        transaction.activity_append_all(entries).await?;
        transaction.commit().await
    }
}

fn number(dice: &mut Dice, of: u64) -> u32 {
    u32::try_from(dice.below(of.max(1))).unwrap_or_default() + 1
}

fn failed(error: &StorageError) -> CommandError {
    CommandError::Failed(format!("not all entries of the activity log were written: {}", chain(error)))
}
