use std::str::FromStr;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Iterable,
    sea_query::{DeleteStatement, Expr, Order, Query},
};
use serde_json::{Value, json};
use usher_domain::{
    OneTimeToken, OneTimeTokenId, PendingSignUp, Timestamp, TokenHash, TokenKind, TokenPurpose, UserId,
};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::one_time_tokens::{self, Column},
    error::{failed, failed_reference},
    removal::{delete_first, limit},
    row::{Row, corrupt},
};
use crate::{Constraint, OneTimeTokenQueries, OneTimeTokenWrites, StorageResult};

#[async_trait]
impl<S: Source> OneTimeTokenQueries for SeaOrmBackend<S> {
    async fn one_time_token_by_hash(&self, hash: &TokenHash) -> StorageResult<Option<OneTimeToken>> {
        find(&self.source, Column::Hash.eq(hash.0.as_slice())).await
    }

    async fn one_time_token_by_id(&self, id: OneTimeTokenId) -> StorageResult<Option<OneTimeToken>> {
        find(&self.source, Column::Id.eq(id.as_uuid())).await
    }
}

#[async_trait]
impl OneTimeTokenWrites for SeaOrmBackend<OpenTransaction> {
    async fn one_time_token_insert(&self, token: &OneTimeToken) -> StorageResult<()> {
        self.source
            .run(async {
                one_time_tokens::Entity::insert(new_row(token))
                    .exec_without_returning(self.source.connection())
                    .await
                    .map_err(failed_reference(Constraint::UserExists))?;
                Ok(())
            })
            .await
    }

    async fn one_time_token_consume(&self, hash: &TokenHash, now: Timestamp) -> StorageResult<Option<OneTimeToken>> {
        let consume = delete()
            .and_where(Column::Hash.eq(hash.0.as_slice()))
            .and_where(Column::ExpiresAt.gt(now.as_micros()))
            .returning(Query::returning().columns(Column::iter()))
            .take();
        self.source
            .run(async {
                let row = self.source.connection().query_one(&consume).await.map_err(failed)?;
                row.map(|row| read(Row::new(&row, 0))).transpose()
            })
            .await
    }

    async fn one_time_token_void(&self, user: UserId, kind: Option<TokenKind>, kept: usize) -> StorageResult<()> {
        let his = Column::UserId.eq(user.as_uuid());
        let meant = kind.map_or(his.clone(), |kind| his.and(Column::Purpose.eq(kind.as_str())));
        let latest = Query::select()
            .column(Column::Id)
            .from(one_time_tokens::Entity)
            .and_where(meant.clone())
            .order_by(Column::CreatedAt, Order::Desc)
            .order_by(Column::Id, Order::Desc)
            .limit(limit(kept as u64))
            .take();
        let void = delete().and_where(meant).and_where(Column::Id.not_in_subquery(latest)).take();
        self.source.run(async { self.change(&void).await.map(drop) }).await
    }

    async fn one_time_token_delete_expired(&self, now: Timestamp, most: u64) -> StorageResult<u64> {
        let delete = delete_first(Column::Id, Column::ExpiresAt, Column::ExpiresAt.lte(now.as_micros()), most);
        self.source.run(self.change(&delete)).await
    }

    async fn one_time_token_delete_everybodys(&self) -> StorageResult<u64> {
        self.source.run(self.change(&delete())).await
    }
}

/// The token that a unique column tells.
async fn find(source: &impl Source, filter: Expr) -> StorageResult<Option<OneTimeToken>> {
    let query = Query::select().columns(Column::iter()).from(one_time_tokens::Entity).and_where(filter).take();
    Ok(source.read_all(&query, read).await?.pop())
}

fn delete() -> DeleteStatement {
    Query::delete().from_table(one_time_tokens::Entity).take()
}

fn read(row: Row<'_>) -> StorageResult<OneTimeToken> {
    let hash = row.get::<Vec<u8>>(Column::Hash)?.try_into().map_err(|_| corrupt(Column::Hash))?;
    Ok(OneTimeToken {
        id: OneTimeTokenId::from_uuid(row.get(Column::Id)?),
        hash: TokenHash(hash),
        purpose: purpose(row)?,
        expires_at: row.time(Column::ExpiresAt)?,
        created_at: row.time(Column::CreatedAt)?,
    })
}

fn purpose(row: Row<'_>) -> StorageResult<TokenPurpose> {
    let kind = row.parse(Column::Purpose, TokenKind::from_str)?;
    let user = row.get::<Option<_>>(Column::UserId)?.map(UserId::from_uuid).ok_or_else(|| corrupt(Column::UserId));
    let payload: Value = row.parse_optional(Column::Payload, |text| serde_json::from_str(text))?.unwrap_or_default();
    let email = || field(&payload, "email").ok_or_else(|| corrupt(Column::Payload));
    Ok(match kind {
        TokenKind::SignUp => TokenPurpose::SignUp(sign_up(&payload).ok_or_else(|| corrupt(Column::Payload))?),
        TokenKind::VerifyEmail => TokenPurpose::VerifyEmail { user: user?, email: email()? },
        TokenKind::ChangeEmail => TokenPurpose::ChangeEmail { user: user?, email: email()? },
        TokenKind::ResetPassword => TokenPurpose::ResetPassword { user: user? },
        TokenKind::Invite => TokenPurpose::Invite { user: user? },
    })
}

fn sign_up(payload: &Value) -> Option<PendingSignUp> {
    let full_name = match payload.get("full_name")? {
        Value::Null => None,
        _ => Some(field(payload, "full_name")?),
    };
    Some(PendingSignUp { username: field(payload, "username")?, email: field(payload, "email")?, full_name })
}

fn field<T: FromStr>(payload: &Value, name: &str) -> Option<T> {
    payload.get(name)?.as_str()?.parse().ok()
}

/// What a purpose is about, besides whom.
fn payload(purpose: &TokenPurpose) -> Option<Value> {
    match purpose {
        TokenPurpose::SignUp(PendingSignUp { username, email, full_name }) => {
            Some(json!({"username": username, "email": email, "full_name": full_name}))
        }
        TokenPurpose::VerifyEmail { email, .. } | TokenPurpose::ChangeEmail { email, .. } => {
            Some(json!({"email": email}))
        }
        TokenPurpose::ResetPassword { .. } | TokenPurpose::Invite { .. } => None,
    }
}

fn new_row(token: &OneTimeToken) -> one_time_tokens::ActiveModel {
    one_time_tokens::ActiveModel {
        id: Set(token.id.as_uuid()),
        hash: Set(token.hash.0.to_vec()),
        user_id: Set(token.purpose.user().map(|user| user.as_uuid())),
        purpose: Set(token.purpose.kind().as_str().to_owned()),
        payload: Set(payload(&token.purpose).map(|payload| payload.to_string())),
        expires_at: Set(token.expires_at.as_micros()),
        created_at: Set(token.created_at.as_micros()),
    }
}
