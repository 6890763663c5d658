use std::sync::Arc;

use usher_domain::{Actor, ClientInfo};

use super::{AuthError, AuthManager};
use crate::{AccessClaims, metrics, revocations::SessionState};

impl AuthManager {
    /// Knows somebody again by his access token. What counts is the database's view of session, status,
    /// epoch and roles, as it was a second ago at most; the token only says whom to look up.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for whatever is wrong with the token, the session or the account.
    pub async fn authenticate(&self, token: &str, client: ClientInfo) -> Result<Actor, AuthError> {
        let claims = self.tokens.verify_with_latest_keys(token).await.map_err(|_| AuthError::Unauthenticated)?;
        let remembered = self.revocations.states().admit(&claims, self.environment.clock.now());
        metrics::state_cache(remembered.is_some());
        let state = match remembered {
            Some(state) => state,
            None => self.look_up(&claims).await?,
        };
        Ok(Actor::user(Arc::clone(&state.user), state.session, client))
    }

    async fn look_up(&self, claims: &AccessClaims) -> Result<Arc<SessionState>, AuthError> {
        let states = self.revocations.states();
        let reading = states.begin_reading(claims.user);
        let found = self.backend.session_with_user(claims.session).await?;
        let (session, account) = found.ok_or(AuthError::Unauthenticated)?;
        let state = Arc::new(SessionState::new(&session, account));
        if !state.admits(claims, self.environment.clock.now()) {
            return Err(AuthError::Unauthenticated);
        }
        states.remember(reading, Arc::clone(&state));
        Ok(state)
    }
}
