//! What requests with a token cost: how many statements, and by which indexes.

use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use usher_domain::{
    Metadata, NewUser, Revocation, RevokeReason, RoleName, Rotation, SequentialIds, Session, SessionId, Timestamp,
    UserId,
};

use super::{
    Engine, SeaOrmBackend,
    list_tests::{databases, record, take},
};
use crate::{SessionQueries, UsersStorageBackend, contract::TestDatabase};

#[tokio::test]
async fn what_a_token_is_for_is_one_statement() {
    for database in databases().await {
        let (mut backend, session) = with_session(&database).await;
        let statements = record(&mut backend);
        assert!(backend.session_with_user(session.id).await.unwrap().is_some());
        assert_eq!(take(&statements).len(), 1);
    }
}

#[tokio::test]
async fn a_refresh_is_one_statement_that_reads_and_one_that_writes() {
    for database in databases().await {
        let (mut backend, session) = with_session(&database).await;
        let statements = record(&mut backend);
        let (found, _) = backend.session_with_user(session.id).await.unwrap().unwrap();
        let transaction = backend.begin().await.unwrap();
        let rotation = Rotation { from: found.generation, at: moment(5), idle_expires_at: moment(65) };
        assert!(transaction.session_rotate(session.id, rotation).await.unwrap());
        transaction.commit().await.unwrap();
        let said: Vec<_> = take(&statements).into_iter().map(|statement| statement.sql).collect();
        let verbs: Vec<_> = said.iter().filter_map(|sql| sql.split(' ').next()).collect();
        assert_eq!(verbs, ["SELECT", "UPDATE"], "{said:#?}");
    }
}

#[tokio::test]
async fn sessions_are_looked_up_by_their_id_or_their_owner() {
    for database in databases().await {
        let (mut backend, session) = with_session(&database).await;
        let statements = record(&mut backend);
        backend.session_by_user(session.user_id).await.unwrap();
        let transaction = backend.begin().await.unwrap();
        let rotation = Rotation { from: 0, at: moment(5), idle_expires_at: moment(65) };
        let revocation = Revocation { at: moment(6), reason: RevokeReason::Logout };
        assert!(transaction.session_rotate(session.id, rotation).await.unwrap());
        assert!(transaction.session_revoke(session.id, revocation).await.unwrap());
        transaction.session_revoke_all(session.user_id, None, revocation).await.unwrap();
        transaction.commit().await.unwrap();

        let said = take(&statements);
        assert_eq!(said.len(), 4);
        for statement in said {
            let plan = plan(&backend, statement).await;
            let (index, scan) = ("sessions_", ["SCAN sessions", "Seq Scan"]);
            assert!(plan.contains(index) && !scan.iter().any(|scan| plan.contains(scan)), "{plan}");
        }
    }
}

/// How the database would go about a statement if its table were large.
pub(super) async fn plan(backend: &SeaOrmBackend, statement: Statement) -> String {
    let (explain, column) = match backend.engine() {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Engine::Postgres => ("EXPLAIN", 0),
    };
    let transaction = backend.source.writer.begin().await.unwrap();
    if backend.engine() == Engine::Postgres {
        transaction.execute_unprepared("SET LOCAL enable_seqscan = off").await.unwrap();
    }
    let sql = format!("{explain} {}", statement.sql);
    let explained = Statement { sql, ..statement };
    let steps = transaction.query_all_raw(explained).await.unwrap();
    let steps: Vec<String> = steps.iter().map(|row| row.try_get_by_index(column).unwrap()).collect();
    steps.join("\n")
}

pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A backend with somebody who is signed in.
pub(super) async fn with_session(database: &TestDatabase) -> (SeaOrmBackend, Session) {
    let backend = database.backend().await;
    let ids = SequentialIds::default();
    let owner = NewUser {
        id: UserId::generate(&ids),
        username: "ada".parse().unwrap(),
        email: None,
        email_verified_at: None,
        full_name: None,
        external_id: None,
        metadata: Metadata::default(),
        password_hash: None,
        roles: vec![RoleName::USER, RoleName::ADMIN],
        must_change_password: false,
        created_at: moment(0),
    };
    let session = Session {
        id: SessionId::generate(&ids),
        user_id: owner.id,
        generation: 0,
        rotated_at: moment(0),
        created_at: moment(0),
        last_used_at: moment(0),
        idle_expires_at: moment(60),
        expires_at: moment(600),
        revoked: None,
        ip: None,
        user_agent: None,
        amr: Vec::new(),
    };
    let transaction = backend.begin().await.unwrap();
    transaction.user_insert(&owner).await.unwrap();
    transaction.session_insert(&session).await.unwrap();
    transaction.commit().await.unwrap();
    (backend, session)
}
