use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use usher_domain::{
    Action, ActivityEntry, Amr, ClientInfo, Details, Identifier, PasswordHash, PlainPassword, PlainToken, Revocation,
    RevokeReason, Session, SessionId, Timestamp, UserInDB, UserScope, ValidationError,
};
use usher_storage::StorageError;

use super::{AuthError, AuthManager, Tokens};
use crate::{
    DEFAULT_ADMIN_PASSWORD, Failure, Verification,
    revocations::Change,
    transact::{OpenTransaction, transact, write_down},
};

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
    /// [`AuthError::Invalid`] for an empty or oversized identifier, before anything is looked up;
    /// [`AuthError::InvalidCredentials`].
    pub async fn authenticate_user(&self, request: &LoginRequest, client: &ClientInfo) -> Result<UserInDB, AuthError> {
        Ok(self.verify(request, client).await?.account)
    }

    /// Lets somebody in: a session, an access token, and the hash of his password brought up to date.
    ///
    /// # Errors
    /// Those of [`authenticate_user`](Self::authenticate_user);
    /// [`AuthError::DefaultPasswordFromElsewhere`].
    pub async fn login(&self, request: &LoginRequest, client: &ClientInfo) -> Result<Tokens, AuthError> {
        for _ in 0..ATTEMPTS {
            let verified = self.verify(request, client).await?;
            if let Some(tokens) = self.open_session(&verified, request, client).await? {
                return Ok(tokens);
            }
        }
        Err(AuthError::InvalidCredentials)
    }

    async fn verify(&self, request: &LoginRequest, client: &ClientInfo) -> Result<Verified, AuthError> {
        let identifier =
            Identifier::parse(&request.identifier).map_err(|fault| ValidationError::of("identifier", fault))?;
        let found = self.find(&identifier).await?;
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
                self.note_failure(&identifier, found.as_ref(), client).await?;
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
        let replaced = self.replaced(request, client).await?;
        let id = account.user.id;
        let session = self.new_session(account, client);
        let mut signed_in = account.clone();
        signed_in.user.last_login_at = Some(session.created_at);
        // Made before anything is written: nothing may fail after it.
        let tokens = self.tokens_of(signed_in, &session).await?;
        let entry = self
            .entry(client, Action::AuthLogin)
            .about(id)
            .with_details(Details::default().with("session_id", session.id.to_string()));
        let entry = ActivityEntry { actor: Some(id), ..entry };

        let (session, entry, better, replaced, tokens) = (&session, &entry, &better, &replaced, &tokens);
        transact(&*self.backend, &self.environment, |transaction| async move {
            if !transaction.user_record_login(id, hash, session.created_at).await? {
                return Ok(None);
            }
            if let Some(better) = better {
                transaction.user_upgrade_password_hash(id, hash, better).await?;
            }
            transaction.session_insert(session).await?;
            transaction.activity_append(entry).await?;
            let mut change = Change::of(id);
            if let Some(old) = replaced {
                change = self.replace(&transaction, old, client, session.created_at, change).await?;
            }
            transaction.commit_then(Some(tokens.clone()), self.revocations.announce(change)).await
        })
        .await
    }

    /// The session that the client still had.
    async fn replaced(&self, request: &LoginRequest, client: &ClientInfo) -> Result<Option<Session>, AuthError> {
        let Some(token) = &request.replaces else { return Ok(None) };
        match self.judge(token, client).await {
            Ok(found) => Ok(Some(found.session)),
            Err(AuthError::Failure(failure)) => Err(failure.into()),
            Err(_) => Ok(None),
        }
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
        let entry = self.entry(client, Action::SessionRevoked).about(old.user_id).with_details(details);
        transaction.activity_append(&entry).await?;
        Ok(change.and_of(old.user_id).ending_sessions([old.id]))
    }

    fn new_session(&self, account: &UserInDB, client: &ClientInfo) -> Session {
        let now = self.environment.clock.now();
        let expires_at = now + self.settings.refresh_absolute_ttl;
        Session {
            id: SessionId::generate(&*self.environment.ids),
            user_id: account.user.id,
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
        let digest = self.identifier_digest.mac(identifier.key().as_bytes());
        let mut entry = self.entry(client, Action::AuthLogin).failed();
        match found {
            Some(account) => entry = entry.about(account.user.id),
            None => {
                let digest = URL_SAFE_NO_PAD.encode(digest);
                entry = entry.with_details(Details::default().with("identifier_digest", digest));
            }
        }
        Ok(write_down(&*self.backend, &self.environment, &entry).await?)
    }
}
