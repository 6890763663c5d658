//! What is to be done now and again, without anybody asking for it. When is up to the caller.

use std::time::Duration;

use crate::{UsersError, UsersManager};

/// Deletes for ever whoever was softly deleted long enough ago.
#[derive(Clone)]
pub struct Purger {
    users: UsersManager,
    retention: Duration,
}

impl Purger {
    /// A softly deleted account can be restored for as long as `retention`.
    #[must_use]
    pub fn new(users: UsersManager, retention: Duration) -> Self {
        Self { users, retention }
    }

    /// Deletes until nobody is left whose time is over; answers how many accounts it was. Several
    /// processes may do this at once. Dropped half-way, it has deleted some of them.
    ///
    /// # Errors
    /// [`UsersError::Failure`]; those before it are gone.
    pub async fn run_once(&self) -> Result<usize, UsersError> {
        let mut purged = 0;
        loop {
            match self.users.purge_expired(self.retention).await? {
                0 => return Ok(purged),
                some => purged += some,
            }
        }
    }
}
