//! A small backend in memory, and the template for other backends.
//!
//! One state, behind two views of it: what was committed, and what an open transaction has made of
//! its own copy. Reads are written once, for either view.

mod activity;
mod lists;
mod mail;
mod one_time_tokens;
mod roles;
mod sessions;
mod signing_keys;
mod users;

use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use usher_domain::{
    ActivityEntry, MailId, MailRequest, MailRequestId, OneTimeToken, OneTimeTokenId, QueuedMail, Role, RoleName,
    Session, SessionId, SigningKeyRecord, Timestamp, UserId, UserInDB,
};

use crate::{Constraint, StorageError, StorageResult, Transaction, UsersStorageBackend};

/// A backend that forgets everything with the process. For tests, examples, and as a template.
///
/// `V` is what it looks at: what was committed, or the copy that an open transaction works on.
/// Transactions run one after the other; each copies the whole state, so keep it small.
pub struct MemoryBackend<V = Committed> {
    view: V,
}

impl MemoryBackend {
    /// A fresh backend: the two built-in roles, made at the Unix epoch, and nothing else.
    #[must_use]
    pub fn new() -> Self {
        let roles = Role::built_in(Timestamp::UNIX_EPOCH).into_iter().map(|role| (role.name.clone(), role)).collect();
        let state = State { roles, ..State::default() };
        Self { view: Committed { state: Arc::new(RwLock::new(Arc::new(state))), turn: Arc::default() } }
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> fmt::Debug for MemoryBackend<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").finish_non_exhaustive()
    }
}

#[async_trait]
impl UsersStorageBackend for MemoryBackend {
    async fn begin(&self) -> StorageResult<Box<dyn Transaction>> {
        Ok(Box::new(MemoryBackend { view: self.view.open().await }))
    }

    async fn ping(&self) -> StorageResult<()> {
        Ok(())
    }
}

#[async_trait]
impl Transaction for MemoryBackend<Open> {
    async fn commit(self: Box<Self>) -> StorageResult<()> {
        self.view.commit()
    }
}

/// Everything that is kept.
#[derive(Clone, Default)]
struct State {
    users: BTreeMap<UserId, UserInDB>,
    roles: BTreeMap<RoleName, Role>,
    sessions: BTreeMap<SessionId, Session>,
    one_time_tokens: BTreeMap<OneTimeTokenId, OneTimeToken>,
    mail_requests: BTreeMap<MailRequestId, MailRequest>,
    mails: BTreeMap<MailId, QueuedMail>,
    activity: Vec<ActivityEntry>,
    signing_keys: Vec<SigningKeyRecord>,
}

impl State {
    /// Refuses what is tied to an account that does not exist.
    fn check_user(&self, id: Option<UserId>) -> StorageResult<()> {
        match id {
            Some(id) if !self.users.contains_key(&id) => Err(StorageError::Conflict(Constraint::UserExists)),
            Some(_) | None => Ok(()),
        }
    }
}

/// The least of these, in order.
fn least<T: Ord>(all: impl Iterator<Item = T>, most: u64) -> Vec<T> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    all
}

/// Something that reads can look at.
trait View: Send + Sync {
    /// Reads.
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> StorageResult<T>;
}

/// What was committed last.
pub struct Committed {
    state: Arc<RwLock<Arc<State>>>,
    /// Whose turn it is to write.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Committed {
    async fn open(&self) -> Open {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let copy = State::clone(&self.latest());
        Open { copy: Mutex::new(Ok(copy)), committed: Arc::clone(&self.state), _turn: turn }
    }

    fn latest(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl View for Committed {
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> StorageResult<T> {
        Ok(read(&self.latest()))
    }
}

/// The copy of a transaction. Dropped, it is as if it had never been.
pub struct Open {
    copy: Mutex<Result<State, Poisoned>>,
    committed: Arc<RwLock<Arc<State>>>,
    _turn: OwnedMutexGuard<()>,
}

/// What is left of a copy once something has failed.
struct Poisoned;

impl From<&mut Poisoned> for StorageError {
    fn from(_: &mut Poisoned) -> Self {
        Self::Poisoned
    }
}

impl Open {
    /// Writes; an error poisons the transaction.
    fn write<T>(&self, write: impl FnOnce(&mut State) -> StorageResult<T>) -> StorageResult<T> {
        let mut copy = self.copy();
        let written = write(copy.as_mut()?);
        if written.is_err() {
            *copy = Err(Poisoned);
        }
        written
    }

    fn commit(self) -> StorageResult<()> {
        let state = mem::replace(&mut *self.copy(), Err(Poisoned)).map_err(|_| StorageError::Poisoned)?;
        *self.committed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        Ok(())
    }

    fn copy(&self) -> MutexGuard<'_, Result<State, Poisoned>> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View for Open {
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> StorageResult<T> {
        self.write(|state| Ok(read(state)))
    }
}
