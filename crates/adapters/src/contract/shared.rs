use std::sync::Once;

use redis::{Client, FromRedisValue};
use usher_service::Environment;

use super::{PATIENCE, ask, skip, variable};
use crate::RedisSettings;

/// Keys of a test's own on a server that others use as well. They are deleted with this value.
#[derive(Debug)]
pub struct TestRedis {
    url: String,
    key_prefix: String,
}

impl TestRedis {
    /// On the server that `USHER_TEST_REDIS_URL` names, else on `redis://127.0.0.1:6379`. If nothing
    /// answers there, the first call says on standard error what is skipped, and there is none.
    ///
    /// # Panics
    /// If nothing answers and `USHER_TEST_REQUIRE_SERVICES` is `1`, or if the server refuses.
    #[must_use]
    pub fn shared() -> Option<Self> {
        static SAID: Once = Once::new();
        let url = variable("USHER_TEST_REDIS_URL").unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
        match Client::open(url.as_str()).unwrap().get_connection_with_timeout(PATIENCE) {
            Ok(_) => {
                let key_prefix = format!("usher_test_{}:", Environment::system().ids.next_uuid());
                Some(Self { url, key_prefix })
            }
            Err(error) if error.is_io_error() => skip(&SAID, "no server answers (see USHER_TEST_REDIS_URL)"),
            Err(refused) => panic!("the Redis server for tests refuses: {refused}"),
        }
    }

    /// How to reach it, with more time than a busy machine needs.
    #[must_use]
    pub fn settings(&self) -> RedisSettings {
        RedisSettings { key_prefix: self.key_prefix.clone(), timeout: PATIENCE, ..RedisSettings::new(&self.url) }
    }

    /// What the names of all keys of the test begin with.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        &self.key_prefix
    }

    /// Does one command, given as on the command line of `redis-cli`.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        ask(&self.url, words)
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let keys: Vec<String> = self.ask(&["KEYS", &format!("{}*", self.key_prefix)]);
        for key in keys {
            let _: u64 = self.ask(&["DEL", &key]);
        }
    }
}
