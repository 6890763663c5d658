use std::str::FromStr;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DatabaseTransaction, EntityTrait, Iterable,
    sea_query::{Order, Query},
};
use usher_domain::{ActivityEntry, KeyState, SealedKey, SigningAlgorithm, SigningKeyRecord, Timestamp};

use super::{
    Engine, SeaOrmBackend, activity,
    entities::signing_keys::{self, Column},
    error::failed,
    row::Row,
};
use crate::{SigningKeyStore, StorageResult};

#[async_trait]
impl SigningKeyStore for SeaOrmBackend {
    async fn signing_keys(&self) -> StorageResult<Vec<SigningKeyRecord>> {
        all(&self.source.reader).await
    }

    async fn signing_keys_replace(
        &self,
        expected: &[SigningKeyRecord],
        new: &[SigningKeyRecord],
        entry: Option<&ActivityEntry>,
    ) -> StorageResult<bool> {
        let transaction = self.source.begin().await?;
        self.lock_keys(&transaction).await?;
        let mut expected = expected.to_vec();
        expected.sort_by(|a, b| (a.created_at, &a.kid).cmp(&(b.created_at, &b.kid)));
        if all(&transaction).await? != expected {
            return Ok(false);
        }
        signing_keys::Entity::delete_many().exec(&transaction).await.map_err(failed)?;
        if !new.is_empty() {
            let rows = new.iter().map(new_row);
            signing_keys::Entity::insert_many(rows).exec_without_returning(&transaction).await.map_err(failed)?;
        }
        if let Some(entry) = entry {
            activity::append(&transaction, entry).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }
}

impl SeaOrmBackend {
    /// Holds off others who replace keys; SQLite has no other writer anyway. Reads go on.
    async fn lock_keys(&self, transaction: &DatabaseTransaction) -> StorageResult<()> {
        match self.source.engine {
            Engine::Sqlite => {}
            Engine::Postgres => {
                let lock = "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE";
                transaction.execute_unprepared(lock).await.map_err(failed)?;
            }
        }
        Ok(())
    }
}

async fn all(db: &impl ConnectionTrait) -> StorageResult<Vec<SigningKeyRecord>> {
    let query = Query::select()
        .columns(Column::iter())
        .from(signing_keys::Entity)
        .order_by(Column::CreatedAt, Order::Asc)
        .order_by(Column::Kid, Order::Asc)
        .take();
    db.query_all(&query).await.map_err(failed)?.iter().map(|row| read(Row::new(row, 0))).collect()
}

fn read(row: Row<'_>) -> StorageResult<SigningKeyRecord> {
    Ok(SigningKeyRecord {
        kid: row.get(Column::Kid)?,
        algorithm: row.parse(Column::Algorithm, SigningAlgorithm::from_str)?,
        private_key: SealedKey(row.get(Column::PrivateKey)?),
        public_jwk: row.get(Column::PublicJwk)?,
        state: row.parse(Column::State, KeyState::from_str)?,
        created_at: row.time(Column::CreatedAt)?,
        activates_at: row.time(Column::ActivatesAt)?,
        retires_at: row.optional_time(Column::RetiresAt)?,
    })
}

fn new_row(key: &SigningKeyRecord) -> signing_keys::ActiveModel {
    signing_keys::ActiveModel {
        kid: Set(key.kid.clone()),
        algorithm: Set(key.algorithm.as_str().to_owned()),
        private_key: Set(key.private_key.0.clone()),
        public_jwk: Set(key.public_jwk.clone()),
        state: Set(key.state.as_str().to_owned()),
        created_at: Set(key.created_at.as_micros()),
        activates_at: Set(key.activates_at.as_micros()),
        retires_at: Set(key.retires_at.map(Timestamp::as_micros)),
    }
}
