use sea_orm::sqlx::{Database, Pool};

use super::{Engine, Pools};

/// How much of a pool of connections is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUsage {
    /// What its connections are for: `write` and `read` on SQLite, `all` on PostgreSQL.
    pub name: &'static str,
    /// How many there are.
    pub open: u32,
    /// How many of those are at work.
    pub busy: u32,
    /// How many there can be.
    pub most: u32,
}

impl PoolUsage {
    fn of<DB: Database>(name: &'static str, pool: &Pool<DB>) -> Self {
        let open = pool.size();
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        Self { name, open, busy: open.saturating_sub(idle), most: pool.options().get_max_connections() }
    }
}

impl Pools {
    pub(super) fn usage(&self) -> Vec<PoolUsage> {
        match self.engine {
            Engine::Postgres => vec![PoolUsage::of("all", self.writer.get_postgres_connection_pool())],
            Engine::Sqlite => vec![
                PoolUsage::of("write", self.writer.get_sqlite_connection_pool()),
                PoolUsage::of("read", self.reader.get_sqlite_connection_pool()),
            ],
        }
    }
}
