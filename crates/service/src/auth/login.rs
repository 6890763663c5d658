use std::time::Duration;

use usher_domain::{
    Action, Amr, ClientInfo, Details, Identifier, PasswordHash, PlainPassword, PlainToken, Revocation, RevokeReason,
    Session, SessionId, Timestamp, UserId, UserInDB, UserScope, ValidationError,
};
use usher_storage::StorageError;

use super::{AuthError, AuthManager, Tokens, logout::good};
use crate::{
    DEFAULT_ADMIN_PASSWORD, Failure, Verification, metrics,
    revocations::Change,
    throttle::{Admission, LoginTries, network_of},
    transact::{OpenTransaction, transact, write_down},
};

/// For how long a network where somebody signed in counts as his.
const AT_HOME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often a login is tried whose account changes under it.
const ATTEMPTS: u32 = 3;

/// What somebody who wants in shows.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// A username or an e-mail address, as typed.
    pub identifier: String,
    /// The password, as typed.
    pub password: PlainPassword,
    /// The refresh token of a session that this client still has, and that the new one replaces.
    pub replaces: Option<PlainToken>,
}

/// Somebody whose password was right.
struct Verified {
    account: UserInDB,
    hash: PasswordHash,
    outdated: bool,
}

impl AuthManager {
    /// Checks a name and a password, and no more: no session, no entry in the activity log, unless
    /// they are wrong. An unknown name costs what a known one does.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for an empty or oversized identifier and [`AuthError::TooManyAttempts`],
    /// before anything is looked up; [`AuthError::InvalidCredentials`].
    pub async fn authenticate_user(&self, request: &LoginRequest, client: &ClientInfo) -> Result<UserInDB, AuthError> {
        let identifier = parse(request)?;
        let tries = self.admit(&identifier, client).await?;
        let verified = self.verify(&identifier, request, client).await;
        self.note_outcome(&tries, &verified).await;
        Ok(verified?.account)
    }

    /// Lets somebody in: a session, its tokens, and the hash of his password brought up to date.
    ///
    /// # Errors
    /// Those of [`authenticate_user`](Self::authenticate_user);
    /// [`AuthError::DefaultPasswordFromElsewhere`].
    pub async fn login(&self, request: &LoginRequest, client: &ClientInfo) -> Result<Tokens, AuthError> {
        let outcome = self.admit_and_sign_in(request, client).await;
        metrics::login(&outcome);
        outcome
    }

    async fn admit_and_sign_in(&self, request: &LoginRequest, client: &ClientInfo) -> Result<Tokens, AuthError> {
        let identifier = parse(request)?;
        let tries = self.admit(&identifier, client).await?;
        let signed_in = self.try_to_sign_in(&identifier, request, client).await;
        self.note_outcome(&tries, &signed_in).await;
        signed_in
    }

    async fn try_to_sign_in(
        &self,
        identifier: &Identifier,
        request: &LoginRequest,
        client: &ClientInfo,
    ) -> Result<Tokens, AuthError> {
        for _ in 0..ATTEMPTS {
            let verified = self.verify(identifier, request, client).await?;
            if let Some(tokens) = self.open_session(&verified, request, client).await? {
                return Ok(tokens);
            }
        }
        Err(AuthError::InvalidCredentials)
    }

    /// Asks whether this name may be tried from there, before anything is looked up.
    async fn admit(&self, identifier: &Identifier, client: &ClientInfo) -> Result<LoginTries, AuthError> {
        let name = identifier.key();
        let mut tries = self.throttle.login_tries(&name, client.ip);
        let mut admission = self.throttle.admit_login(&tries).await;
        if let Admission::Refused { by, .. } = admission
            && tries.is_account(by)
            && self.is_at_home(identifier, client).await?
        {
            tries = tries.at_home();
            admission = self.throttle.admit_login(&tries).await;
        }
        self.require_admission(admission, Some(&name), client).await?;
        Ok(tries)
    }

    /// Whether the account was signed in to from this network lately: strangers who try its name everywhere
    /// else shall not hold its owner back.
    async fn is_at_home(&self, identifier: &Identifier, client: &ClientInfo) -> Result<bool, AuthError> {
        let Some(ip) = client.ip else { return Ok(false) };
        let Some(account) = self.find(identifier).await? else { return Ok(false) };
        let since = self.environment.clock.now() - AT_HOME;
        let known = self.backend.session_addresses(account.user.id, since).await?;
        Ok(known.into_iter().any(|known| network_of(known) == network_of(ip)))
    }

    async fn note_outcome<T>(&self, tries: &LoginTries, outcome: &Result<T, AuthError>) {
        if outcome.is_ok() {
            self.throttle.login_succeeded(tries).await;
        } else if matches!(outcome, Err(AuthError::Failure(_))) {
            self.throttle.login_was_none(tries).await;
        }
    }

    async fn verify(
        &self,
        identifier: &Identifier,
        request: &LoginRequest,
        client: &ClientInfo,
    ) -> Result<Verified, AuthError> {
        let found = self.find(identifier).await?;
        let stored = found.as_ref().and_then(|account| account.password_hash.clone());
        let verification = self.hasher.verify(request.password.clone(), stored.clone()).await.map_err(Failure::from)?;
        match (found, stored, verification) {
            (Some(account), Some(hash), Verification::Match { outdated }) if account.user.is_active() => {
                if client.forwarded && request.password.as_typed() == DEFAULT_ADMIN_PASSWORD {
                    return Err(AuthError::DefaultPasswordFromElsewhere);
                }
                Ok(Verified { account, hash, outdated })
            }
            (found, ..) => {
                self.note_failure(identifier, found.as_ref(), client).await?;
                Err(AuthError::InvalidCredentials)
            }
        }
    }

    /// Who is meant; for a text that can be nobody's name, a look-up that finds nobody.
    async fn find(&self, identifier: &Identifier) -> Result<Option<UserInDB>, AuthError> {
        Ok(match identifier {
            Identifier::Email(email) => self.backend.user_by_email(email, UserScope::WithDeleted).await?,
            Identifier::Username(username) => self.backend.user_by_username(username, UserScope::WithDeleted).await?,
            Identifier::Unmatchable(_) => None,
        })
    }

    /// Writes the login down; `None` if the account changed since its password was checked.
    async fn open_session(
        &self,
        verified: &Verified,
        request: &LoginRequest,
        client: &ClientInfo,
    ) -> Result<Option<Tokens>, AuthError> {
        let Verified { account, hash, outdated } = verified;
        let better = if *outdated { self.hasher.hash(request.password.clone()).await.ok() } else { None };
        let replaced = self.replaced(request.replaces.as_ref(), client).await?;
        let id = account.user.id;
        let session = self.new_session(id, client);
        let mut signed_in = account.clone();
        signed_in.user.last_login_at = Some(session.created_at);
        // Made before anything is written: nothing may fail after it.
        let tokens = self.tokens_of(signed_in, &session).await?;

        let (session, better, replaced, tokens) = (&session, &better, replaced.as_ref(), &tokens);
        transact(&*self.backend, &self.environment, |transaction| async move {
            if !transaction.user_record_login(id, hash, session.created_at).await? {
                return Ok(None);
            }
            if let Some(better) = better {
                transaction.user_upgrade_password_hash(id, hash, better).await?;
            }
            let change = self.write_session(&transaction, session, replaced, client).await?;
            transaction.commit_then(Some(tokens.clone()), self.revocations.announce(change)).await
        })
        .await
    }

    /// Writes down a session and that it was opened, and ends the one that it replaces.
    pub(crate) async fn write_session(
        &self,
        transaction: &OpenTransaction,
        session: &Session,
        replaced: Option<&Session>,
        client: &ClientInfo,
    ) -> Result<Change, StorageError> {
        let details = Details::default().with("session_id", session.id.to_string());
        let entry = self.environment.entry_of_owner(session.user_id, client, Action::AuthLogin).with_details(details);
        transaction.session_insert(session).await?;
        transaction.activity_append(&entry).await?;
        let change = Change::of(session.user_id);
        match replaced {
            Some(old) => self.replace(transaction, old, client, session.created_at, change).await,
            None => Ok(change),
        }
    }

    /// The session that the client still had.
    pub(crate) async fn replaced(
        &self,
        token: Option<&PlainToken>,
        client: &ClientInfo,
    ) -> Result<Option<Session>, AuthError> {
        let Some(token) = token else { return Ok(None) };
        let Some(claims) = good(self.known_refresh_token(token))? else { return Ok(None) };
        Ok(good(self.judge(&claims, client).await)?.map(|found| found.session))
    }

    async fn replace(
        &self,
        transaction: &OpenTransaction,
        old: &Session,
        client: &ClientInfo,
        at: Timestamp,
        change: Change,
    ) -> Result<Change, StorageError> {
        let revocation = Revocation { at, reason: RevokeReason::Replaced };
        if !transaction.session_revoke(old.id, revocation).await? {
            return Ok(change);
        }
        let details = Details::default().with("session_id", old.id.to_string());
        let entry =
            self.environment.entry_from(client, Action::SessionRevoked).about(old.user_id).with_details(details);
        transaction.activity_append(&entry).await?;
        Ok(change.and_of(old.user_id).ending_sessions([old.id]))
    }

    pub(crate) fn new_session(&self, user: UserId, client: &ClientInfo) -> Session {
        let now = self.environment.clock.now();
        let expires_at = now + self.settings.refresh_absolute_ttl;
        Session {
            id: SessionId::generate(&*self.environment.ids),
            user_id: user,
            generation: 0,
            rotated_at: now,
            created_at: now,
            last_used_at: now,
            idle_expires_at: expires_at.min(now + self.settings.refresh_idle_ttl),
            expires_at,
            revoked: None,
            ip: client.ip,
            user_agent: client.user_agent().map(str::to_owned),
            amr: vec![Amr::Password],
        }
    }

    /// The same one entry, whether the name is known or not. An unknown name may be a mistyped
    /// password, so only a keyed digest of it is kept.
    async fn note_failure(
        &self,
        identifier: &Identifier,
        found: Option<&UserInDB>,
        client: &ClientInfo,
    ) -> Result<(), AuthError> {
        let digest = self.throttle.digest(&identifier.key());
        let mut entry = self.environment.entry_from(client, Action::AuthLogin).failed();
        match found {
            Some(account) => entry = entry.about(account.user.id),
            None => {
                entry = entry.with_details(Details::default().with("identifier_digest", digest));
            }
        }
        Ok(write_down(&*self.backend, &self.environment, &entry).await?)
    }
}

fn parse(request: &LoginRequest) -> Result<Identifier, AuthError> {
    Ok(Identifier::parse(&request.identifier).map_err(|fault| ValidationError::of("identifier", fault))?)
}
