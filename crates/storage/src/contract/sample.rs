//! What the cases are made of.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{runtime::Handle, sync::Barrier, task::JoinSet};
use usher_domain::{
    Action, ActivityEntry, ActivityId, Amr, ClientInfo, Details, KeyState, Languages, MailId, MailKind, MailRequest,
    MailRequestId, MailRequestKind, Metadata, NewUser, OneTimeToken, OneTimeTokenId, PasswordHash, PendingSignUp,
    QueuedMail, RequestId, Revocation, RevokeReason, RoleName, SealedKey, SequentialIds, Session, SessionId,
    SigningAlgorithm, SigningKeyRecord, Timestamp, TokenHash, TokenKind, TokenPurpose, UserId, UserInDB, UserScope,
};

use super::Backend;
use crate::{StorageResult, Transaction};

/// The rounds of a race. A race that is not won by luck is lost in one of them.
pub(super) const ROUNDS: usize = 25;

/// That many seconds after a moment that has microseconds.
pub(super) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_893_499_200_123_456) + Duration::from_secs(seconds)
}

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_stored(text.to_owned())
}

pub(super) fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

/// Makes values that differ in what must differ.
#[derive(Default)]
pub(super) struct Samples(SequentialIds);

impl Samples {
    pub(super) fn user_id(&self) -> UserId {
        UserId::generate(&self.0)
    }

    pub(super) fn session_id(&self) -> SessionId {
        SessionId::generate(&self.0)
    }

    /// An account with a name, a password and nothing else.
    pub(super) fn user(&self, username: &str) -> NewUser {
        NewUser {
            id: self.user_id(),
            username: username.parse().unwrap(),
            email: None,
            email_verified_at: None,
            full_name: None,
            external_id: None,
            metadata: Metadata::default(),
            password_hash: Some(hash("first")),
            roles: vec![RoleName::USER],
            must_change_password: false,
            created_at: at(0),
        }
    }

    /// An account with everything.
    pub(super) fn full_user(&self) -> NewUser {
        NewUser {
            email: Some("Ada.Lovelace+post@Bücher.example".parse().unwrap()),
            email_verified_at: Some(at(3)),
            full_name: Some("Ada Ångström-李".parse().unwrap()),
            external_id: Some("crm:Ada'\"% 17".parse().unwrap()),
            metadata: metadata(),
            roles: vec![RoleName::USER, RoleName::ADMIN],
            must_change_password: true,
            ..self.user("Ada.Lovelace")
        }
    }

    /// A login with nothing that can be left out.
    pub(super) fn session(&self, user: UserId) -> Session {
        Session {
            id: self.session_id(),
            user_id: user,
            generation: 0,
            rotated_at: at(0),
            created_at: at(0),
            last_used_at: at(0),
            idle_expires_at: at(60),
            expires_at: at(600),
            revoked: None,
            ip: None,
            user_agent: None,
            amr: Vec::new(),
        }
    }

    /// A login with everything.
    pub(super) fn full_session(&self, user: UserId) -> Session {
        Session {
            generation: u32::MAX,
            rotated_at: at(1),
            last_used_at: at(2),
            revoked: Some(Revocation { at: at(3), reason: RevokeReason::RefreshReused }),
            ip: Some("2001:db8::17".parse().unwrap()),
            user_agent: Some("Brówser/1 \u{1F98A} 'quoted'".to_owned()),
            amr: vec![Amr::Password],
            ..self.session(user)
        }
    }

    /// A token to set another password with.
    pub(super) fn reset(&self, user: UserId) -> OneTimeToken {
        self.token(TokenPurpose::ResetPassword { user })
    }

    pub(super) fn token(&self, purpose: TokenPurpose) -> OneTimeToken {
        let id = OneTimeTokenId::generate(&self.0);
        let mut hash = [0xff; 32];
        hash[..16].copy_from_slice(id.as_uuid().as_bytes());
        OneTimeToken { id, hash: TokenHash(hash), purpose, expires_at: at(60), created_at: at(0) }
    }

    /// What a token of that kind is good for, for that account if it is for one.
    pub(super) fn purpose(&self, kind: TokenKind, user: UserId) -> TokenPurpose {
        let email = || "Ada.Lovelace+post@Bücher.example".parse().unwrap();
        match kind {
            TokenKind::SignUp => TokenPurpose::SignUp(PendingSignUp {
                username: "Ada.Lovelace".parse().unwrap(),
                email: email(),
                full_name: Some("Ada Ångström-李".parse().unwrap()),
            }),
            TokenKind::VerifyEmail => TokenPurpose::VerifyEmail { user, email: email() },
            TokenKind::ChangeEmail => TokenPurpose::ChangeEmail { user, email: email() },
            TokenKind::ResetPassword => TokenPurpose::ResetPassword { user },
            TokenKind::Invite => TokenPurpose::Invite { user },
        }
    }

    pub(super) fn mail_id(&self) -> MailId {
        MailId::generate(&self.0)
    }

    /// A mail with nothing that can be left out.
    pub(super) fn mail(&self, kind: MailKind) -> QueuedMail {
        QueuedMail {
            id: self.mail_id(),
            kind,
            recipient: "bob@example.org".parse().unwrap(),
            user: None,
            token: None,
            facts: Details::default(),
            languages: Languages::default(),
            attempts: 0,
            not_before: at(0),
            expires_at: at(600),
            last_error: None,
            created_at: at(0),
        }
    }

    /// A mail with everything.
    pub(super) fn full_mail(&self, user: UserId) -> QueuedMail {
        QueuedMail {
            recipient: "Ada.Lovelace+post@Bücher.example".parse().unwrap(),
            user: Some(user),
            token: Some(OneTimeTokenId::generate(&self.0)),
            facts: Details::default().with("naïve", json!({"n": [1, null, "ö"]})),
            languages: Languages::parse("de-AT, en;q=0.5"),
            attempts: u32::MAX,
            not_before: at(2),
            last_error: Some("451 'später' \u{1F98A}".to_owned()),
            created_at: at(1),
            ..self.mail(MailKind::ChangeEmail)
        }
    }

    /// A wish with nothing that can be left out, uttered at that second.
    pub(super) fn mail_request(&self, second: u64) -> MailRequest {
        MailRequest {
            id: MailRequestId::generate(&self.0),
            kind: MailRequestKind::ResetPassword,
            email: "bob@example.org".parse().unwrap(),
            ip: None,
            request_id: None,
            languages: Languages::default(),
            created_at: at(second),
        }
    }

    /// A wish with everything.
    pub(super) fn full_mail_request(&self, second: u64) -> MailRequest {
        MailRequest {
            ip: Some("2001:db8::17".parse().unwrap()),
            request_id: RequestId::parse("req-1.2_3"),
            languages: Languages::parse("de-AT, en;q=0.5"),
            ..self.mail_request(second)
        }
    }

    /// An entry with nothing that can be left out.
    pub(super) fn entry(&self, action: Action, now: Timestamp) -> ActivityEntry {
        ActivityEntry::from_client(&ClientInfo::default(), action, ActivityId::generate(&self.0), now)
    }

    /// An entry with everything.
    pub(super) fn full_entry(&self) -> ActivityEntry {
        let request_id = RequestId::parse("req-1.2_3");
        let client = ClientInfo::new(Some("192.0.2.7".parse().unwrap()), Some("cürl/8 \u{1F98A}"), request_id);
        let id = ActivityId::generate(&self.0);
        let mut entry = ActivityEntry::from_client(&client, Action::AuthLogin, id, at(5)).failed();
        entry.actor = Some(self.user_id());
        entry.about(self.user_id()).with_details(Details::default().with("naïve", json!({"n": [1, null, "ö"]})))
    }

    pub(super) fn signing_key(&self, kid: &str, created_at: Timestamp) -> SigningKeyRecord {
        SigningKeyRecord {
            kid: kid.to_owned(),
            algorithm: SigningAlgorithm::EdDsa,
            private_key: SealedKey(vec![0, 1, 254, 255]),
            public_jwk: r#"{"kty":"OKP","x":"ö"}"#.to_owned(),
            state: KeyState::Active,
            created_at,
            activates_at: created_at + Duration::from_micros(1),
            retires_at: None,
        }
    }
}

/// JSON of every kind.
pub(super) fn metadata() -> Metadata {
    let value = json!({
        "text": "naïve \u{1F98A} '\"\\ \n",
        "numbers": [0, -1, 1.5, 9_007_199_254_740_993_u64, i64::MIN, u64::MAX],
        "nested": {"true": true, "none": null, "empty": {}},
    });
    Metadata::parse(value).unwrap()
}

/// Commits an account.
pub(super) async fn inserted(backend: &Backend, user: NewUser) -> NewUser {
    commit(backend, async |transaction| transaction.user_insert(&user).await).await.unwrap();
    user
}

/// Runs some writes in a transaction of their own, and commits them if they succeed.
pub(super) async fn commit<T>(
    backend: &Backend,
    writes: impl AsyncFnOnce(&dyn Transaction) -> StorageResult<T>,
) -> StorageResult<T> {
    let transaction = backend.begin().await?;
    let written = writes(&*transaction).await?;
    transaction.commit().await?;
    Ok(written)
}

/// The account as it is now.
pub(super) async fn stored(backend: &Backend, id: UserId) -> UserInDB {
    backend.user_by_id(id, UserScope::WithDeleted).await.unwrap().unwrap()
}

/// Runs several contenders at once, each on a thread of its own, and answers what they answered.
pub(super) async fn race<T, C>(contenders: impl IntoIterator<Item = C>) -> Vec<T>
where
    T: Send + 'static,
    C: AsyncFnOnce() -> T + Send + 'static,
{
    let contenders: Vec<_> = contenders.into_iter().collect();
    let start = Arc::new(Barrier::new(contenders.len()));
    let mut running = JoinSet::new();
    for contender in contenders {
        let (start, runtime) = (Arc::clone(&start), Handle::current());
        running.spawn_blocking(move || {
            runtime.block_on(async {
                start.wait().await;
                contender().await
            })
        });
    }
    running.join_all().await
}
