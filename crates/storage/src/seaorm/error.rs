//! From what a database says to [`StorageError`].

use std::{error::Error, fmt, sync::Arc};

use sea_orm::{
    DbErr, RuntimeErr, SqlxError, SqlxPostgresError, SqlxSqliteError,
    sqlx::error::{DatabaseError, ErrorKind},
};

use crate::{Constraint, StorageError};

/// Maps an error of a statement that ties a row to no other.
pub(super) fn failed(error: DbErr) -> StorageError {
    classify(error, None)
}

/// Maps an error of a statement that ties a row to another. SQLite does not say which reference
/// failed, so the statement does: `reference` is the only one that can.
pub(super) fn failed_reference(reference: Constraint) -> impl FnOnce(DbErr) -> StorageError {
    move |error| classify(error, Some(reference))
}

fn classify(error: DbErr, reference: Option<Constraint>) -> StorageError {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => classify_sqlx(error, reference),
        DbErr::ConnectionAcquire(error) => StorageError::Unavailable(Box::new(error)),
        other => StorageError::Backend(Box::new(other)),
    }
}

fn classify_sqlx(error: Arc<SqlxError>, reference: Option<Constraint>) -> StorageError {
    match &*error {
        SqlxError::Database(refusal) => {
            if let Some(postgres) = refusal.try_downcast_ref::<SqlxPostgresError>() {
                classify_postgres(postgres)
            } else if let Some(sqlite) = refusal.try_downcast_ref::<SqlxSqliteError>() {
                classify_sqlite(sqlite, reference)
            } else {
                StorageError::Backend(Refusal::of(&**refusal))
            }
        }
        SqlxError::Io(_)
        | SqlxError::Tls(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed => StorageError::Unavailable(Box::new(error)),
        _ => StorageError::Backend(Box::new(error)),
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn classify_postgres(error: &SqlxPostgresError) -> StorageError {
    let refusal = Refusal::of(error);
    match error.code() {
        // deadlock_detected, serialization_failure, lock_not_available
        "40P01" | "40001" | "55P03" => StorageError::Contention,
        // query_canceled (by statement_timeout), idle_in_transaction_session_timeout,
        // read_only_sql_transaction (on a standby), io_error
        "57014" | "25P03" | "25006" | "58030" => StorageError::Unavailable(refusal),
        // unique_violation, foreign_key_violation
        "23505" | "23503" => match error.constraint() {
            Some("users_username_key_unique") => StorageError::Conflict(Constraint::UsernameUnique),
            Some("users_email_key_unique") => StorageError::Conflict(Constraint::EmailUnique),
            Some("users_external_id_unique") => StorageError::Conflict(Constraint::ExternalIdUnique),
            Some("roles_pkey") => StorageError::Conflict(Constraint::RoleNameUnique),
            Some("user_roles_role_name_reference") => StorageError::Conflict(Constraint::RoleExists),
            Some(
                "user_roles_user_id_reference"
                | "sessions_user_id_reference"
                | "one_time_tokens_user_id_reference"
                | "mail_queue_user_id_reference",
            ) => StorageError::Conflict(Constraint::UserExists),
            Some(_) | None => StorageError::Backend(refusal),
        },
        // connection exceptions; insufficient resources (disk full, too many connections);
        // shutdown, crash, start-up and the end of idle sessions
        code if ["08", "53", "57P"].iter().any(|class| code.starts_with(class)) => StorageError::Unavailable(refusal),
        _ => StorageError::Backend(refusal),
    }
}

/// By result code (<https://sqlite.org/rescode.html>). Of an extended code the lowest byte counts.
fn classify_sqlite(error: &SqlxSqliteError, reference: Option<Constraint>) -> StorageError {
    let refusal = Refusal::of(error);
    match error.kind() {
        ErrorKind::UniqueViolation => match error.message().rsplit(": ").next() {
            Some("users.username_key") => StorageError::Conflict(Constraint::UsernameUnique),
            Some("users.email_key") => StorageError::Conflict(Constraint::EmailUnique),
            Some("users.external_id") => StorageError::Conflict(Constraint::ExternalIdUnique),
            Some("roles.name") => StorageError::Conflict(Constraint::RoleNameUnique),
            Some(_) | None => StorageError::Backend(refusal),
        },
        ErrorKind::ForeignKeyViolation => match reference {
            Some(reference) => StorageError::Conflict(reference),
            None => StorageError::Backend(refusal),
        },
        _ => match refusal.code.as_deref().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff) {
            // SQLITE_BUSY, SQLITE_LOCKED
            Some(5 | 6) => StorageError::Contention,
            // SQLITE_NOMEM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
            Some(7 | 8 | 10 | 13 | 14) => StorageError::Unavailable(refusal),
            Some(_) | None => StorageError::Backend(refusal),
        },
    }
}

/// What a database said, without the details, which may hold the row that it was about.
#[derive(Debug)]
struct Refusal {
    code: Option<String>,
    message: String,
}

impl Refusal {
    fn of(error: &dyn DatabaseError) -> Box<Self> {
        Box::new(Self { code: error.code().map(Into::into), message: error.message().to_owned() })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} ({code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for Refusal {}
