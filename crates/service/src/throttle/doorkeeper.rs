use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use usher_domain::{Action, ActivityEntry, Details, EmailAddress, SessionId};
use usher_storage::UsersStorageBackend;

use super::{Decision, Limit, LimitKey, Limits, MemoryRateLimiter, RateLimiter, Try};
use crate::{DerivedKey, Environment, Failure, MasterKey, Purpose, metrics, transact::write_down};

/// At most one entry a minute tells of the same thing.
const NOTED: Limit = Limit::steady(1, 1, Duration::from_secs(60));

/// Stands at every door that takes a password or a refresh token. Cloned, it is the same.
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    limiter: Arc<dyn RateLimiter>,
    limits: Limits,
    digest: DerivedKey,
}

/// Whether somebody may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// Not before this has passed. `by` is what refuses, or, of several, what refuses longest.
    Refused {
        wait: Duration,
        by: LimitKey,
    },
}

/// What one try of a password counts towards.
pub(crate) struct LoginTries {
    account_network: Option<Try>,
    account: Option<Try>,
    network: Option<Try>,
}

impl LoginTries {
    /// For somebody who is not to be held back by what others do to the account: what counts from his
    /// network alone.
    pub(crate) fn at_home(self) -> Self {
        Self { account: None, ..self }
    }

    /// Whether it is the account, from everywhere, that refuses.
    pub(crate) fn is_account(&self, refusing: LimitKey) -> bool {
        self.account.is_some_and(|account| account.key == refusing)
    }

    fn all(&self) -> impl Iterator<Item = Try> {
        [self.account_network, self.network, self.account].into_iter().flatten()
    }
}

impl Throttle {
    /// Counts with this limiter.
    #[must_use]
    pub fn new(limiter: Arc<dyn RateLimiter>, limits: Limits, master_key: &MasterKey) -> Self {
        let digest = master_key.derive(Purpose::DigestIdentifiers);
        Self(Arc::new(Inner { limiter, limits, digest }))
    }

    /// Admits everybody: for tools, where nobody tries passwords.
    #[must_use]
    pub fn off(environment: &Environment) -> Self {
        let unused = MasterKey::from_bytes([0; 32]);
        Self::new(Arc::new(MemoryRateLimiter::new(environment)), Limits::OFF, &unused)
    }

    /// With the default limits, in this process.
    #[must_use]
    pub fn in_process(master_key: &MasterKey, environment: &Environment) -> Self {
        Self::new(Arc::new(MemoryRateLimiter::new(environment)), Limits::default(), master_key)
    }

    /// What a try of a password for an account counts towards; `account` is the key of the name that was
    /// given, whether anybody has it or not.
    pub(crate) fn login_tries(&self, account: &str, ip: Option<IpAddr>) -> LoginTries {
        let Limits { login_account_network, login_account, login_network, .. } = self.0.limits;
        let network = ip.map(network_of);
        let pair = network.as_ref().map(|network| format!("{network} {account}"));
        LoginTries {
            account_network: pair.map(|pair| self.one("login_account_network", &pair, login_account_network)),
            account: Some(self.one("login_account", account, login_account)),
            network: network.map(|network| self.one("login_network", &network, login_network)),
        }
    }

    /// Asked before a password is looked at.
    pub(crate) async fn admit_login(&self, tries: &LoginTries) -> Admission {
        self.reserve(&tries.all().collect::<Vec<_>>()).await
    }

    /// The password was right.
    pub(crate) async fn login_succeeded(&self, tries: &LoginTries) {
        if let Some(account_network) = &tries.account_network {
            self.0.limiter.forgive(&account_network.key).await;
        }
        if let Some(account) = &tries.account {
            self.0.limiter.take_back(account).await;
        }
    }

    /// The password was not looked at after all.
    pub(crate) async fn login_was_none(&self, tries: &LoginTries) {
        for one in tries.all() {
            self.0.limiter.take_back(&one).await;
        }
    }

    /// Asked before a sign-up.
    pub(crate) async fn admit_signup(&self, ip: Option<IpAddr>) -> Admission {
        let tries = ip.map(|ip| self.one("signup_network", &network_of(ip), self.0.limits.signup_network));
        self.reserve(tries.as_slice()).await
    }

    /// Asked before a refresh token is looked up: it may name a session, or be none.
    pub(crate) async fn admit_refresh(&self, session: Option<SessionId>, ip: Option<IpAddr>) -> Admission {
        let Limits { refresh_session, refresh_network, .. } = self.0.limits;
        let network = ip.map(|ip| self.one("refresh_network", &network_of(ip), refresh_network));
        let session = session.map(|session| self.one("refresh_session", &session.to_string(), refresh_session));
        self.reserve(&network.into_iter().chain(session).collect::<Vec<_>>()).await
    }

    /// Asked before anybody's wish for a mail is written down.
    pub(crate) async fn admit_mails_from(&self, ip: Option<IpAddr>) -> Admission {
        let tries = ip.map(|ip| self.one("mail_network", &network_of(ip), self.0.limits.mail_network));
        self.reserve(tries.as_slice()).await
    }

    /// Whether one more mail may go to this address that a request causes. Where it may not, nobody is told.
    pub(crate) async fn admits_mail_to(&self, email: &EmailAddress) -> bool {
        let one = self.one("mail_address", &email.key(), self.0.limits.mail_address);
        let admitted = self.reserve(&[one]).await == Admission::Admitted;
        if !admitted {
            metrics::throttled(one.key.kind());
        }
        admitted
    }

    /// Asked before a one-time token is looked up.
    pub(crate) async fn admit_confirm(&self, ip: Option<IpAddr>) -> Admission {
        let tries = ip.map(|ip| self.one("confirm_network", &network_of(ip), self.0.limits.confirm_network));
        self.reserve(tries.as_slice()).await
    }

    /// A digest of a name, which may be a mistyped password: only who has the master key can tell whether
    /// it is that of a name that he knows.
    pub(crate) fn digest(&self, name: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.0.digest.mac(name.as_bytes()))
    }

    /// Writes something down that was not written down within the last minute. What could not be is written down the
    /// next time.
    pub(crate) async fn note_once(
        &self,
        kind: &'static str,
        what: &str,
        backend: &dyn UsersStorageBackend,
        environment: &Environment,
        entry: impl FnOnce() -> ActivityEntry,
    ) -> Result<(), Failure> {
        let one = self.one(kind, what, NOTED);
        if self.reserve(&[one]).await != Admission::Admitted {
            return Ok(());
        }
        let noted = write_down(backend, environment, &entry()).await;
        if noted.is_err() {
            self.0.limiter.take_back(&one).await;
        }
        noted
    }

    /// How long somebody is to wait who was not admitted. That he was refused is written down once a minute
    /// for each limit, by the entry that is made with these details.
    pub(crate) async fn note_refusal(
        &self,
        admission: Admission,
        backend: &dyn UsersStorageBackend,
        environment: &Environment,
        entry: impl FnOnce(Details) -> ActivityEntry,
    ) -> Result<Option<Duration>, Failure> {
        let Admission::Refused { wait, by } = admission else { return Ok(None) };
        metrics::throttled(by.kind());
        let entry = || entry(Details::default().with("limit", by.kind())).failed();
        self.note_once(Action::AuthThrottled.as_str(), &by.to_string(), backend, environment, entry).await?;
        Ok(Some(wait))
    }

    async fn reserve(&self, tries: &[Try]) -> Admission {
        match self.0.limiter.reserve(tries).await {
            Decision::Allowed => Admission::Admitted,
            Decision::Refused(refusals) => match refusals.into_iter().max_by_key(|refusal| refusal.wait) {
                Some(longest) => Admission::Refused { wait: longest.wait, by: longest.key },
                None => Admission::Admitted,
            },
        }
    }

    fn one(&self, kind: &'static str, what: &str, limit: Limit) -> Try {
        let mut digest = [0; 16];
        let mac = self.0.digest.mac(format!("{kind} {what}").as_bytes());
        digest.iter_mut().zip(mac.as_ref()).for_each(|(to, from)| *to = *from);
        Try { key: LimitKey::new(kind, digest), limit }
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

/// A network: the whole address with IPv4, the first 64 bits with IPv6, of which one customer has all.
pub(crate) fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}
