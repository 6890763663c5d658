use std::sync::Arc;

use usher_domain::{Actor, ClientInfo};

use super::{AuthError, AuthManager};

impl AuthManager {
    /// Knows somebody again by his access token. What counts is the database's view of session, status,
    /// epoch and roles; the token only says whom to look up.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for whatever is wrong with the token, the session or the account.
    pub async fn authenticate(&self, token: &str, client: ClientInfo) -> Result<Actor, AuthError> {
        let claims = self.tokens.verify(token).map_err(|_| AuthError::Unauthenticated)?;
        let found = self.backend.session_with_user(claims.session).await?;
        let (session, account) = found.ok_or(AuthError::Unauthenticated)?;
        let good = session.user_id == claims.user
            && session.is_live(self.environment.clock.now())
            && account.user.is_active()
            && account.token_epoch == claims.epoch;
        if !good {
            return Err(AuthError::Unauthenticated);
        }
        Ok(Actor::user(Arc::new(account.user), session.id, client))
    }
}
