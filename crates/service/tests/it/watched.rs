//! A backend in memory that tells what it was asked, and fails or waits where a test wants it to.

use std::{
    collections::BTreeSet,
    mem,
    net::IpAddr,
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{Barrier, oneshot},
    time::timeout,
};
use usher_domain::{
    ActivityEntry, ActivityFilter, ActivityPlace, EmailAddress, MailBacklog, MailId, MailRequest, MailRequestId,
    NewUser, OneTimeToken, OneTimeTokenId, Page, PageSize, PasswordHash, QueuedMail, Revocation, Role, RoleChanges,
    RoleName, Rotation, SearchPrefix, Session, SessionId, SigningKeyRecord, Timestamp, TokenHash, TokenKind, User,
    UserChanges, UserFilter, UserId, UserInDB, UserOrder, UserScope, Username,
};
use usher_storage::{
    ActivityQueries, ActivityWrites, MailQueries, MailWrites, MemoryBackend, OneTimeTokenQueries, OneTimeTokenWrites,
    Queries, RoleQueries, RoleWrites, SessionQueries, SessionWrites, SigningKeyStore, StorageError, StorageResult,
    Transaction, UserQueries, UserWrites, UsersStorageBackend,
};

/// `D` is what it passes on to: the backend, or an open transaction.
pub(crate) struct Watched<D = Arc<MemoryBackend>> {
    inner: D,
    watch: Arc<Watch>,
}

#[derive(Default)]
struct Watch {
    asked: Mutex<Vec<&'static str>>,
    fault: Mutex<Option<Fault>>,
    gate: Mutex<Option<Gate>>,
    meeting: Mutex<Option<Meeting>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing is done.
    At(&'static str),
    /// It is done, but whoever asked is told that it is not: a connection that was lost.
    After(&'static str),
}

struct Gate {
    at: &'static str,
    reached: oneshot::Sender<()>,
    open: oneshot::Receiver<()>,
}

/// Whoever asks this waits with his answer for the others.
struct Meeting {
    at: &'static str,
    missing: usize,
    all_there: Arc<Barrier>,
}

/// An answer that is there, but held back. Dropped, it goes on.
pub(crate) struct Held {
    reached: oneshot::Receiver<()>,
    _open: oneshot::Sender<()>,
}

impl Held {
    /// Waits until somebody has asked, and the answer is there.
    pub(crate) async fn reached(&mut self) {
        let reached = timeout(Duration::from_secs(60), &mut self.reached).await;
        reached.expect("somebody asks in time").unwrap();
    }
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self { inner: Arc::new(MemoryBackend::new()), watch: Arc::default() }
    }

    /// What was asked since the last time, by the names of the methods.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        mem::take(&mut *self.watch.asked.lock().unwrap())
    }

    /// From now on this cannot be done.
    pub(crate) fn fail_at(&self, what: &'static str) {
        *self.watch.fault.lock().unwrap() = Some(Fault::At(what));
    }

    /// From now on this is done, but the answer gets lost.
    pub(crate) fn fail_after(&self, what: &'static str) {
        *self.watch.fault.lock().unwrap() = Some(Fault::After(what));
    }

    pub(crate) fn heal(&self) {
        *self.watch.fault.lock().unwrap() = None;
    }

    /// Holds the next answer to this back.
    pub(crate) fn hold(&self, at: &'static str) -> Held {
        let ((reached, when_reached), (open, when_open)) = (oneshot::channel(), oneshot::channel());
        *self.watch.gate.lock().unwrap() = Some(Gate { at, reached, open: when_open });
        Held { reached: when_reached, _open: open }
    }

    /// Gives the next so many answers to this all at once: whatever follows from them is raced.
    pub(crate) fn answer_together(&self, at: &'static str, count: usize) {
        let all_there = Arc::new(Barrier::new(count));
        *self.watch.meeting.lock().unwrap() = Some(Meeting { at, missing: count, all_there });
    }
}

impl Watch {
    async fn pass<T>(&self, what: &'static str, on: impl Future<Output = StorageResult<T>>) -> StorageResult<T> {
        self.asked.lock().unwrap().push(what);
        self.fail_if(Fault::At(what))?;
        let answer = on.await?;
        let gate = self.gate.lock().unwrap().take_if(|gate| gate.at == what);
        if let Some(gate) = gate {
            gate.reached.send(()).unwrap();
            // An error says that it was dropped, and that is what opens it.
            let _ = gate.open.await;
        }
        if let Some(all_there) = self.meeting(what) {
            all_there.wait().await;
        }
        self.fail_if(Fault::After(what))?;
        Ok(answer)
    }

    fn meeting(&self, what: &'static str) -> Option<Arc<Barrier>> {
        let mut meeting = self.meeting.lock().unwrap();
        let meeting = meeting.as_mut().filter(|meeting| meeting.at == what && meeting.missing > 0)?;
        meeting.missing -= 1;
        Some(Arc::clone(&meeting.all_there))
    }

    fn fail_if(&self, fault: Fault) -> StorageResult<()> {
        let fails = *self.fault.lock().unwrap() == Some(fault);
        if fails { Err(StorageError::Unavailable("as the test wants it".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl UsersStorageBackend for Watched {
    async fn begin(&self) -> StorageResult<Box<dyn Transaction>> {
        let inner = self.watch.pass("begin", self.inner.begin()).await?;
        Ok(Box::new(Watched { inner, watch: Arc::clone(&self.watch) }))
    }

    async fn ping(&self) -> StorageResult<()> {
        self.watch.pass("ping", self.inner.ping()).await
    }
}

#[async_trait]
impl Transaction for Watched<Box<dyn Transaction>> {
    async fn commit(self: Box<Self>) -> StorageResult<()> {
        self.watch.pass("commit", self.inner.commit()).await
    }
}

macro_rules! pass_on {
    ($(impl[$($generics:tt)*] $trait:ident for $watched:ty {
        $(fn $name:ident($($arg:ident: $of:ty),*) -> $answer:ty;)+
    })+) => {$(
        #[async_trait]
        impl<$($generics)*> $trait for $watched {
            $(async fn $name(&self, $($arg: $of),*) -> StorageResult<$answer> {
                self.watch.pass(stringify!($name), self.inner.$name($($arg),*)).await
            })+
        }
    )+};
}

pass_on! {
    impl[D: Deref<Target: Queries + Sync> + Send + Sync] UserQueries for Watched<D> {
        fn user_by_id(id: UserId, scope: UserScope) -> Option<UserInDB>;
        fn user_by_username(username: &Username, scope: UserScope) -> Option<UserInDB>;
        fn user_by_email(email: &EmailAddress, scope: UserScope) -> Option<UserInDB>;
        fn user_any() -> bool;
        fn user_page(filter: &UserFilter, order: &UserOrder, size: PageSize) -> Page<User, UserOrder>;
        fn user_count(filter: &UserFilter, prefix: Option<&SearchPrefix>, most: u64) -> u64;
        fn user_deleted_before(moment: Timestamp, size: PageSize) -> Vec<UserId>;
    }

    impl[D: Deref<Target: Queries + Sync> + Send + Sync] RoleQueries for Watched<D> {
        fn role_by_name(name: &RoleName) -> Option<Role>;
        fn role_all() -> Vec<Role>;
    }

    impl[D: Deref<Target: Queries + Sync> + Send + Sync] SessionQueries for Watched<D> {
        fn session_with_user(id: SessionId) -> Option<(Session, UserInDB)>;
        fn session_addresses(user: UserId, since: Timestamp) -> BTreeSet<IpAddr>;
        fn session_by_user(user: UserId) -> Vec<Session>;
    }

    impl[D: Deref<Target: Queries + Sync> + Send + Sync] OneTimeTokenQueries for Watched<D> {
        fn one_time_token_by_hash(hash: &TokenHash) -> Option<OneTimeToken>;
        fn one_time_token_by_id(id: OneTimeTokenId) -> Option<OneTimeToken>;
    }

    impl[D: Deref<Target: Queries + Sync> + Send + Sync] MailQueries for Watched<D> {
        fn mail_request_page(size: PageSize) -> Vec<MailRequest>;
        fn mail_due(now: Timestamp, size: PageSize) -> Vec<QueuedMail>;
        fn mail_backlog() -> MailBacklog;
    }

    impl[D: Deref<Target: Queries + Sync> + Send + Sync] ActivityQueries for Watched<D> {
        fn activity_page(
            filter: &ActivityFilter, before: Option<ActivityPlace>, size: PageSize
        ) -> Page<ActivityEntry, ActivityPlace>;
        fn activity_count(filter: &ActivityFilter, most: u64) -> u64;
    }

    impl[] SigningKeyStore for Watched {
        fn signing_keys() -> Vec<SigningKeyRecord>;
        fn signing_keys_replace(
            expected: &[SigningKeyRecord], new: &[SigningKeyRecord], entry: Option<&ActivityEntry>
        ) -> bool;
    }

    impl[] UserWrites for Watched<Box<dyn Transaction>> {
        fn user_by_id_for_update(id: UserId, scope: UserScope) -> Option<UserInDB>;
        fn user_insert(user: &NewUser) -> ();
        fn user_update(id: UserId, version: Option<i64>, changes: &UserChanges, now: Timestamp) -> bool;
        fn user_set_password(id: UserId, hash: &PasswordHash, must_change: bool, now: Timestamp) -> bool;
        fn user_upgrade_password_hash(id: UserId, old: &PasswordHash, new: &PasswordHash) -> bool;
        fn user_raise_epoch(id: UserId) -> bool;
        fn user_purge(id: UserId) -> bool;
        fn user_record_login(id: UserId, hash: &PasswordHash, now: Timestamp) -> bool;
    }

    impl[] RoleWrites for Watched<Box<dyn Transaction>> {
        fn role_insert(role: &Role) -> ();
        fn role_update(name: &RoleName, changes: &RoleChanges, now: Timestamp) -> bool;
        fn role_delete(name: &RoleName, now: Timestamp) -> bool;
        fn role_holders_for_update(name: &RoleName, most: u64) -> Vec<UserInDB>;
        fn role_lock(name: &RoleName) -> bool;
        fn role_count_active_holders(name: &RoleName) -> u64;
        fn user_set_roles(id: UserId, roles: &[RoleName], now: Timestamp) -> bool;
    }

    impl[] SessionWrites for Watched<Box<dyn Transaction>> {
        fn session_insert(session: &Session) -> ();
        fn session_rotate(id: SessionId, rotation: Rotation) -> bool;
        fn session_revoke(id: SessionId, revocation: Revocation) -> bool;
        fn session_revoke_all(user: UserId, except: Option<SessionId>, revocation: Revocation) -> Vec<SessionId>;
        fn session_revoke_everybodys(revocation: Revocation) -> u64;
        fn session_delete_expired(before: Timestamp, most: u64) -> u64;
    }

    impl[] OneTimeTokenWrites for Watched<Box<dyn Transaction>> {
        fn one_time_token_insert(token: &OneTimeToken) -> ();
        fn one_time_token_consume(hash: &TokenHash, now: Timestamp) -> Option<OneTimeToken>;
        fn one_time_token_void(user: UserId, kind: Option<TokenKind>, kept: usize) -> ();
        fn one_time_token_delete_expired(now: Timestamp, most: u64) -> u64;
        fn one_time_token_delete_everybodys() -> u64;
    }

    impl[] MailWrites for Watched<Box<dyn Transaction>> {
        fn mail_request_insert(request: &MailRequest) -> ();
        fn mail_request_remove(id: MailRequestId) -> bool;
        fn mail_insert(mail: &QueuedMail) -> ();
        fn mail_claim(id: MailId, attempts: u32, until: Timestamp) -> bool;
        fn mail_put_off(id: MailId, not_before: Timestamp, error: &str) -> bool;
        fn mail_remove(id: MailId) -> bool;
    }

    impl[] ActivityWrites for Watched<Box<dyn Transaction>> {
        fn activity_append(entry: &ActivityEntry) -> ();
        fn activity_blank(user: UserId) -> ();
        fn activity_delete_before(moment: Timestamp, most: u64) -> u64;
    }
}
