use std::{collections::BTreeSet, net::IpAddr, str::FromStr, sync::LazyLock};

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Iterable, Statement,
    sea_query::{Expr, Order, PostgresQueryBuilder, Query, UpdateStatement},
};
use usher_domain::{Amr, Revocation, RevokeReason, Rotation, Session, SessionId, Timestamp, UserId, UserInDB};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::{sessions, users},
    error::{failed, failed_reference},
    removal::delete_first,
    row::{Row, corrupt, to_json},
    users::{fold, with_account},
};
use crate::{Constraint, SessionQueries, SessionWrites, StorageResult};

/// What every request with an access token asks; the text is made once. SQLite reads the
/// placeholders of PostgreSQL, too.
pub(super) static WITH_USER: LazyLock<String> = LazyLock::new(|| {
    let owner = Expr::col((sessions::Entity, sessions::Column::UserId));
    let query = Query::select()
        .columns(sessions::Column::iter().map(|column| (sessions::Entity, column)))
        .from(sessions::Entity)
        .inner_join(users::Entity, owner.equals((users::Entity, users::Column::Id)))
        .and_where(sessions::Column::Id.eq(sea_orm::prelude::Uuid::nil()))
        .take();
    with_account(query).build(PostgresQueryBuilder).0
});

#[async_trait]
impl<S: Source> SessionQueries for SeaOrmBackend<S> {
    async fn session_with_user(&self, id: SessionId) -> StorageResult<Option<(Session, UserInDB)>> {
        let connection = self.source.connection();
        let backend = connection.get_database_backend();
        let query = Statement::from_sql_and_values(backend, WITH_USER.as_str(), [id.as_uuid().into()]);
        self.source
            .run(async {
                let rows = connection.query_all_raw(query).await.map_err(failed)?;
                let Some(first) = rows.first() else { return Ok(None) };
                let session = read(Row::new(first, 0))?;
                Ok(Some((session, fold(first, &rows, sessions::Column::iter().len())?)))
            })
            .await
    }

    async fn session_addresses(&self, user: UserId, since: Timestamp) -> StorageResult<BTreeSet<IpAddr>> {
        let query = Query::select()
            .distinct()
            .column(sessions::Column::Ip)
            .from(sessions::Entity)
            .and_where(sessions::Column::UserId.eq(user.as_uuid()))
            .and_where(sessions::Column::CreatedAt.gte(since.as_micros()))
            .and_where(sessions::Column::Ip.is_not_null())
            .take();
        let address = |row: Row<'_>| {
            let text: String = row.get_at(0, sessions::Column::Ip)?;
            text.parse().map_err(|_| corrupt(sessions::Column::Ip))
        };
        Ok(self.source.read_all(&query, address).await?.into_iter().collect())
    }

    async fn session_by_user(&self, user: UserId) -> StorageResult<Vec<Session>> {
        let query = Query::select()
            .columns(sessions::Column::iter())
            .from(sessions::Entity)
            .and_where(sessions::Column::UserId.eq(user.as_uuid()))
            .and_where(sessions::Column::RevokedAt.is_null())
            .order_by(sessions::Column::LastUsedAt, Order::Desc)
            .order_by(sessions::Column::Id, Order::Desc)
            .take();
        self.source.read_all(&query, read).await
    }
}

#[async_trait]
impl SessionWrites for SeaOrmBackend<OpenTransaction> {
    async fn session_insert(&self, session: &Session) -> StorageResult<()> {
        self.source
            .run(async {
                sessions::Entity::insert(new_row(session)?)
                    .exec_without_returning(self.source.connection())
                    .await
                    .map_err(failed_reference(Constraint::UserExists))?;
                Ok(())
            })
            .await
    }

    async fn session_rotate(&self, id: SessionId, rotation: Rotation) -> StorageResult<bool> {
        use sessions::Column;
        let now = rotation.at.as_micros();
        let update = Query::update()
            .table(sessions::Entity)
            .value(Column::Generation, Expr::col(Column::Generation).add(1))
            .value(Column::RotatedAt, now)
            .value(Column::LastUsedAt, now)
            .value(Column::IdleExpiresAt, rotation.idle_expires_at.as_micros())
            .and_where(Column::Id.eq(id.as_uuid()))
            .and_where(Column::Generation.eq(i64::from(rotation.from)))
            .and_where(Column::RevokedAt.is_null())
            .and_where(Column::IdleExpiresAt.gt(now))
            .and_where(Column::ExpiresAt.gt(now))
            .take();
        self.source.run(async { Ok(self.change(&update).await? > 0) }).await
    }

    async fn session_revoke(&self, id: SessionId, revocation: Revocation) -> StorageResult<bool> {
        let update = revoke(revocation).and_where(sessions::Column::Id.eq(id.as_uuid())).take();
        self.source.run(async { Ok(self.change(&update).await? > 0) }).await
    }

    async fn session_revoke_all(
        &self,
        user: UserId,
        except: Option<SessionId>,
        revocation: Revocation,
    ) -> StorageResult<Vec<SessionId>> {
        let mut update = revoke(revocation)
            .and_where(sessions::Column::UserId.eq(user.as_uuid()))
            .returning_col(sessions::Column::Id)
            .take();
        if let Some(kept) = except {
            update.and_where(sessions::Column::Id.ne(kept.as_uuid()));
        }
        self.source
            .run(async {
                let rows = self.source.connection().query_all(&update).await.map_err(failed)?;
                rows.iter().map(|row| Row::new(row, 0).get(sessions::Column::Id).map(SessionId::from_uuid)).collect()
            })
            .await
    }

    async fn session_revoke_everybodys(&self, revocation: Revocation) -> StorageResult<u64> {
        self.source.run(self.change(&revoke(revocation))).await
    }

    async fn session_delete_expired(&self, before: Timestamp, most: u64) -> StorageResult<u64> {
        use sessions::Column;
        let delete = delete_first(Column::Id, Column::ExpiresAt, Column::ExpiresAt.lt(before.as_micros()), most);
        self.source.run(self.change(&delete)).await
    }
}

/// Ends sessions that have not ended yet.
fn revoke(revocation: Revocation) -> UpdateStatement {
    Query::update()
        .table(sessions::Entity)
        .value(sessions::Column::RevokedAt, revocation.at.as_micros())
        .value(sessions::Column::RevokeReason, revocation.reason.as_str())
        .and_where(sessions::Column::RevokedAt.is_null())
        .take()
}

fn read(row: Row<'_>) -> StorageResult<Session> {
    use sessions::Column;
    Ok(Session {
        id: SessionId::from_uuid(row.get(Column::Id)?),
        user_id: UserId::from_uuid(row.get(Column::UserId)?),
        generation: u32::try_from(row.get::<i64>(Column::Generation)?).map_err(|_| corrupt(Column::Generation))?,
        rotated_at: row.time(Column::RotatedAt)?,
        created_at: row.time(Column::CreatedAt)?,
        last_used_at: row.time(Column::LastUsedAt)?,
        idle_expires_at: row.time(Column::IdleExpiresAt)?,
        expires_at: row.time(Column::ExpiresAt)?,
        revoked: revocation(row)?,
        ip: row.parse_optional(Column::Ip, str::parse)?,
        user_agent: row.get(Column::UserAgent)?,
        amr: row.parse(Column::Amr, amr_from)?,
    })
}

fn revocation(row: Row<'_>) -> StorageResult<Option<Revocation>> {
    use sessions::Column;
    let at = row.optional_time(Column::RevokedAt)?;
    let reason = row.parse_optional(Column::RevokeReason, RevokeReason::from_str)?;
    match (at, reason) {
        (Some(at), Some(reason)) => Ok(Some(Revocation { at, reason })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(corrupt(Column::RevokeReason)),
    }
}

fn amr_from(text: &str) -> Result<Vec<Amr>, serde_json::Error> {
    use serde::de::Error;
    let methods: Vec<&str> = serde_json::from_str(text)?;
    methods.into_iter().map(|method| method.parse().map_err(Error::custom)).collect()
}

fn new_row(session: &Session) -> StorageResult<sessions::ActiveModel> {
    let amr: Vec<_> = session.amr.iter().map(|method| method.as_str()).collect();
    Ok(sessions::ActiveModel {
        id: Set(session.id.as_uuid()),
        user_id: Set(session.user_id.as_uuid()),
        generation: Set(session.generation.into()),
        rotated_at: Set(session.rotated_at.as_micros()),
        created_at: Set(session.created_at.as_micros()),
        last_used_at: Set(session.last_used_at.as_micros()),
        idle_expires_at: Set(session.idle_expires_at.as_micros()),
        expires_at: Set(session.expires_at.as_micros()),
        revoked_at: Set(session.revoked.map(|revocation| revocation.at.as_micros())),
        revoke_reason: Set(session.revoked.map(|revocation| revocation.reason.as_str().to_owned())),
        ip: Set(session.ip.map(|ip| ip.to_string())),
        user_agent: Set(session.user_agent.clone()),
        amr: Set(to_json(&amr)?),
    })
}
