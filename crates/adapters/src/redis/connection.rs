use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use redis::{AsyncConnectionConfig, Client, Pipeline, RedisResult, Value, aio::MultiplexedConnection};

use super::error::RedisError;

/// The one connection that all calls share, made by the first of them that needs it.
pub(super) struct Connection {
    client: Client,
    current: Mutex<Option<Link>>,
    /// Whoever holds it connects, and the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
    made: AtomicU64,
}

#[derive(Clone)]
struct Link {
    number: u64,
    connection: MultiplexedConnection,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        Self { client, current: Mutex::default(), turn: tokio::sync::Mutex::default(), made: AtomicU64::new(0) }
    }

    /// Takes as long as it takes.
    pub(super) async fn send(&self, commands: &Pipeline) -> Result<Value, RedisError> {
        let known = self.current().clone();
        let number = known.as_ref().map(|link| link.number);
        if let Some(link) = known {
            match link.send(commands).await {
                // It was closed since it was used last, or its runtime has ended: no reason to give up.
                Err(error) if error.is_connection_dropped() => {}
                answer => return answer.map_err(|error| RedisError::asking(&error)),
            }
        }
        let link = self.link_instead_of(number).await.map_err(|error| RedisError::connecting(&error))?;
        link.send(commands).await.map_err(|error| RedisError::asking(&error))
    }

    /// The next call makes a new connection.
    pub(super) fn drop_current(&self) {
        *self.current() = None;
    }

    /// A connection that is not the one of this number; another call may have made it by now.
    async fn link_instead_of(&self, number: Option<u64>) -> RedisResult<Link> {
        let _turn = self.turn.lock().await;
        let current = self.current().clone();
        if let Some(link) = current.filter(|link| Some(link.number) != number) {
            return Ok(link);
        }
        // The caller counts the time.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let link = Link { number: self.made.fetch_add(1, Ordering::Relaxed), connection };
        *self.current() = Some(link.clone());
        Ok(link)
    }

    fn current(&self) -> MutexGuard<'_, Option<Link>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    async fn send(mut self, commands: &Pipeline) -> RedisResult<Value> {
        commands.query_async(&mut self.connection).await
    }
}
