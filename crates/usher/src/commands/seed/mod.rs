mod activity;
mod deeds;
mod dice;
mod names;
mod people;
mod progress;

use std::sync::Arc;

use usher_domain::{
    Action, ActivityEntry, Actor, Clock, Details, Fault, PasswordHash, PlainPassword, RoleName, Timestamp, UserChanges,
    UserScope, UserStatus, Username,
};
use usher_service::{Environment, PasswordHasher, Revocations, Throttle, UsersManager};
use usher_storage::{SeaOrmBackend, StorageError, UserQueries, UsersStorageBackend};

use self::{
    people::{Fate, Person},
    progress::Progress,
};
use super::CommandError;
use crate::{
    cli::Seed,
    config::{Config, Profile},
    console, database,
    first_start::{self, FirstPassword},
    start_error::{StartError, chain},
};

/// The password of everybody.
const PASSWORD: &str = "Made-up-4-benchmarks";

/// How many accounts are made in one transaction.
const BATCH: u32 = 1_000;

/// Fills the database with made-up accounts. They go straight to storage: the managers would hash a
/// password for each.
pub(super) async fn seed(wanted: &Seed, config: &Config) -> Result<(), CommandError> {
    if config.profile == Profile::Production {
        let why = "everybody knows the password of made-up accounts: this is not done in profile production";
        return Err(CommandError::Failed(why.to_owned()));
    }
    let environment = Environment::system();
    let backend = Arc::new(database::open(config).await?);
    let hasher = Arc::new(PasswordHasher::new(&config.passwords, &environment).map_err(StartError::Hashing)?);
    let (revocations, throttle) = (Revocations::in_process(&environment), Throttle::off(&environment));
    let users = UsersManager::new(
        backend.clone(),
        hasher.clone(),
        revocations,
        throttle,
        config.users.clone(),
        environment.clone(),
    );
    if let Some(password) = first_start::ensure_administrator(config, &users).await? {
        tell_of_administrator(config, &password);
    }
    let hash = hasher.hash(PlainPassword::new(PASSWORD.to_owned())).await;
    let hash = hash.map_err(|error| CommandError::Failed(error.to_string()))?;

    let seeder = Seeder { backend: &backend, hash, now: environment.clock.now() };
    let made = seeder.run(wanted, &*environment.clock).await;
    backend.close().await;
    made
}

fn tell_of_administrator(config: &Config, password: &FirstPassword) {
    let password = match password {
        FirstPassword::Configured => "the one of bootstrap.admin_password",
        FirstPassword::Default => usher_service::DEFAULT_ADMIN_PASSWORD,
        FirstPassword::Random(password) => password.as_typed(),
    };
    let username = &config.bootstrap.username;
    console::say(&format!("made the first administrator: username {username}, password {password}"));
}

struct Seeder<'a> {
    backend: &'a SeaOrmBackend,
    hash: PasswordHash,
    now: Timestamp,
}

impl Seeder<'_> {
    async fn run(&self, wanted: &Seed, clock: &dyn Clock) -> Result<(), CommandError> {
        self.make_accounts(wanted.users, clock).await?;
        match wanted.activity {
            Some(activity) => self.fill_activity_log(activity, wanted.users, clock).await,
            None => Ok(()),
        }
    }

    async fn make_accounts(&self, wanted: u32, clock: &dyn Clock) -> Result<(), CommandError> {
        let progress = Progress::new("accounts", wanted, clock);
        let mut made = 0;
        let mut first = 1;
        while first <= wanted {
            let last = wanted.min(first.saturating_add(BATCH - 1));
            made += self.batch(first, last, wanted).await?;
            progress.show(last, made);
            first = last.saturating_add(1);
        }
        console::say(&format!(
            "made {made} accounts in {:.1} s ({} a second); {} of {wanted} were there\npassword of all: {PASSWORD}",
            progress.took().as_secs_f64(),
            progress.rate(made),
            wanted - made,
        ));
        Ok(())
    }

    /// Makes the accounts of these numbers, of so many, that are not there; says how many.
    async fn batch(&self, first: u32, last: u32, of: u32) -> Result<u32, CommandError> {
        let failed = |error: StorageError| failed(first, last, &error);
        // A batch is there as a whole, or not at all, unless it was the last one of an earlier run.
        if self.is_there(&people::username(last).map_err(|fault| not_made_up(&fault))?).await.map_err(failed)? {
            return Ok(0);
        }
        let is_begun =
            self.is_there(&people::username(first).map_err(|fault| not_made_up(&fault))?).await.map_err(failed)?;
        let mut people = Vec::new();
        for number in first..=last {
            let person = people::person(number, of).map_err(|fault| not_made_up(&fault))?;
            if !(is_begun && self.is_there(&person.user.username).await.map_err(failed)?) {
                people.push(person);
            }
        }
        let made = people.len();
        self.insert(people).await.map_err(failed)?;
        Ok(u32::try_from(made).unwrap_or(u32::MAX))
    }

    async fn is_there(&self, username: &Username) -> Result<bool, StorageError> {
        Ok(self.backend.user_by_username(username, UserScope::WithDeleted).await?.is_some())
    }

    async fn insert(&self, people: Vec<Person>) -> Result<(), StorageError> {
        let transaction = self.backend.begin().await?;
        for Person { mut user, fate, entries: [made, ended] } in people {
            user.password_hash = Some(self.hash.clone());
            transaction.user_insert(&user).await?;
            let details = Details::default().with("roles", user.roles.iter().map(RoleName::as_str).collect::<Vec<_>>());
            let system = Actor::system();
            let entry = ActivityEntry::by(&system, Action::UserCreated, made, user.created_at).about(user.id);
            transaction.activity_append(&entry.with_details(details)).await?;

            let since = self.now;
            let (status, action) = match fate {
                Fate::Active => continue,
                Fate::Deactivated => (UserStatus::Deactivated { since }, Action::UserDeactivated),
                Fate::Deleted => (UserStatus::Deleted { since, deactivated_since: None }, Action::UserDeleted),
            };
            let changes = UserChanges { status: Some(status), ..UserChanges::default() };
            transaction.user_update(user.id, None, &changes, since).await?;
            transaction.activity_append(&ActivityEntry::by(&system, action, ended, since).about(user.id)).await?;
        }
        transaction.commit().await
    }
}

fn not_made_up(fault: &Fault) -> CommandError {
    CommandError::Failed(format!("accounts cannot be made up: {fault}"))
}

fn failed(first: u32, last: u32, error: &StorageError) -> CommandError {
    let what = format!("accounts {first} to {last} were not made, those before them are there");
    CommandError::Failed(match error {
        StorageError::Conflict(constraint) => {
            format!("{what}: an account that was not made up is in the way ({constraint}): take another database")
        }
        StorageError::Contention
        | StorageError::Unavailable(_)
        | StorageError::Corrupt { .. }
        | StorageError::Poisoned
        | StorageError::Backend(_) => format!("{what}: {}: run it again to go on", chain(error)),
    })
}
