//! By which indexes tokens, mails and wishes are found, and what becomes of rows that cannot be read.

use std::{fmt::Debug, sync::atomic::AtomicBool};

use sea_orm::{ConnectionTrait, prelude::Uuid};
use usher_domain::{
    Details, Languages, MailId, MailKind, MailRequest, MailRequestId, MailRequestKind, OneTimeToken, OneTimeTokenId,
    PageSize, PendingSignUp, QueuedMail, TokenHash, TokenKind, TokenPurpose, UserId,
};

use super::{
    OpenTransaction, SeaOrmBackend,
    list_tests::{databases, record, take},
    session_tests::{moment, plan, with_session},
};
use crate::{MailQueries, OneTimeTokenQueries, StorageError, StorageResult, UsersStorageBackend};

#[tokio::test]
async fn what_is_asked_often_has_an_index() {
    for database in databases().await {
        let (mut backend, session) = with_session(&database).await;
        let statements = record(&mut backend);
        let token = verification(session.user_id);
        backend.mail_due(moment(9), PageSize::MAX).await.unwrap();
        backend.mail_request_page(PageSize::MAX).await.unwrap();
        backend.one_time_token_by_id(token.id).await.unwrap();
        backend.one_time_token_by_hash(&token.hash).await.unwrap();
        let transaction = backend.begin().await.unwrap();
        transaction.one_time_token_consume(&token.hash, moment(1)).await.unwrap();
        transaction.one_time_token_void(session.user_id, Some(TokenKind::Invite), 3).await.unwrap();
        transaction.one_time_token_delete_expired(moment(9), 50).await.unwrap();
        transaction.session_delete_expired(moment(9), 50).await.unwrap();
        transaction.commit().await.unwrap();

        let said = take(&statements);
        let indexes = [
            ["mail_queue_not_before_index"; 2],
            ["mail_requests_created_at_index"; 2],
            ["one_time_tokens_pkey", "sqlite_autoindex_one_time_tokens_1"],
            ["one_time_tokens_hash_unique", "sqlite_autoindex_one_time_tokens_2"],
            ["one_time_tokens_hash_unique", "sqlite_autoindex_one_time_tokens_2"],
            ["one_time_tokens_user_id_index"; 2],
            ["one_time_tokens_expires_at_index"; 2],
            ["sessions_expires_at_index"; 2],
        ];
        assert_eq!(said.len(), indexes.len(), "each is one statement");
        for (statement, index) in said.into_iter().zip(indexes) {
            let plan = plan(&backend, statement).await;
            assert!(index.iter().any(|index| plan.contains(index)) && !plan.contains("Seq Scan"), "{plan}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_corrupt() {
    for database in databases().await {
        let (backend, session) = with_session(&database).await;
        let (sign_up, verification) = (sign_up(), verification(session.user_id));
        let transaction = backend.begin().await.unwrap();
        transaction.one_time_token_insert(&sign_up).await.unwrap();
        transaction.one_time_token_insert(&verification).await.unwrap();
        transaction.mail_request_insert(&request()).await.unwrap();
        transaction.mail_insert(&mail()).await.unwrap();
        transaction.commit().await.unwrap();

        let no_address = r#"'{"username": "ada", "email": "nobody", "full_name": null}'"#;
        let no_name = r#"'{"username": "ada", "email": "ada@example.org", "full_name": "+"}'"#;
        for (id, column, value) in [
            (sign_up.id, "purpose", "'nothing'"),
            (sign_up.id, "payload", "NULL"),
            (sign_up.id, "payload", "'{'"),
            (sign_up.id, "payload", no_address),
            (sign_up.id, "payload", no_name),
            (verification.id, "user_id", "NULL"),
            (verification.id, "payload", "NULL"),
            (verification.id, "payload", no_address),
        ] {
            let spoilt = spoilt(&backend, "one_time_tokens", column, value).await;
            assert_corrupt(&spoilt.one_time_token_by_id(id).await, "one_time_tokens", column);
        }
        for (column, value) in
            [("purpose", "'invite'"), ("email_key", "'nobody'"), ("ip", "'nowhere'"), ("request_id", "'%'")]
        {
            let spoilt = spoilt(&backend, "mail_requests", column, value).await;
            assert_corrupt(&spoilt.mail_request_page(PageSize::MAX).await, "mail_requests", column);
        }
        for (column, value) in [
            ("kind", "'nothing'"),
            ("recipient", "'nobody'"),
            ("payload", "'{'"),
            ("payload", "'[]'"),
            ("attempts", "-1"),
        ] {
            let spoilt = spoilt(&backend, "mail_queue", column, value).await;
            assert_corrupt(&spoilt.mail_due(moment(9), PageSize::MAX).await, "mail_queue", column);
        }
    }
}

/// The backend within a transaction, in which a column of a table holds that in all rows.
async fn spoilt(backend: &SeaOrmBackend, table: &str, column: &str, value: &str) -> SeaOrmBackend<OpenTransaction> {
    let transaction = backend.source.begin().await.unwrap();
    transaction.execute_unprepared(&format!("UPDATE {table} SET {column} = {value}")).await.unwrap();
    SeaOrmBackend { source: OpenTransaction { transaction, poisoned: AtomicBool::new(false) } }
}

fn assert_corrupt<T: Debug>(answer: &StorageResult<T>, in_table: &str, in_column: &str) {
    let there =
        matches!(answer, Err(StorageError::Corrupt { table, column }) if (*table, *column) == (in_table, in_column));
    assert!(there, "{in_table}.{in_column}: {answer:?}");
}

fn sign_up() -> OneTimeToken {
    let (username, email) = ("ada".parse().unwrap(), "ada@example.org".parse().unwrap());
    token(1, TokenPurpose::SignUp(PendingSignUp { username, email, full_name: None }))
}

fn verification(user: UserId) -> OneTimeToken {
    token(2, TokenPurpose::VerifyEmail { user, email: "ada@example.org".parse().unwrap() })
}

fn token(n: u8, purpose: TokenPurpose) -> OneTimeToken {
    let id = OneTimeTokenId::from_uuid(Uuid::from_u128(n.into()));
    OneTimeToken { id, hash: TokenHash([n; 32]), purpose, expires_at: moment(60), created_at: moment(0) }
}

fn request() -> MailRequest {
    MailRequest {
        id: MailRequestId::from_uuid(Uuid::nil()),
        kind: MailRequestKind::ResetPassword,
        email: "ada@example.org".parse().unwrap(),
        ip: None,
        request_id: None,
        languages: Languages::default(),
        created_at: moment(0),
    }
}

fn mail() -> QueuedMail {
    QueuedMail {
        id: MailId::from_uuid(Uuid::nil()),
        kind: MailKind::SignUp,
        recipient: "ada@example.org".parse().unwrap(),
        user: None,
        token: None,
        facts: Details::default(),
        languages: Languages::default(),
        attempts: 0,
        not_before: moment(0),
        expires_at: moment(60),
        last_error: None,
        created_at: moment(0),
    }
}
