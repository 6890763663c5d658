use usher_domain::{NewUser, PlainPassword, UsernameOrigin};

use super::{UserDraft, UsersError, UsersManager};
use crate::Failure;

impl UsersManager {
    /// Whether somebody may be called so who names himself, and all else that is wrong with his wish.
    /// Nothing is looked up.
    pub(crate) fn check_sign_up(&self, draft: UserDraft) -> Result<(NewUser, PlainPassword), UsersError> {
        self.check_draft(draft, UsernameOrigin::Oneself)
    }

    /// Hashes the password of an account that is to be made.
    pub(crate) async fn with_password(&self, user: NewUser, password: PlainPassword) -> Result<NewUser, UsersError> {
        let hash = self.hasher.hash(password).await.map_err(Failure::from)?;
        Ok(NewUser { password_hash: Some(hash), ..user })
    }
}
