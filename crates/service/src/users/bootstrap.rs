use usher_domain::{Action, Actor, Details, Metadata, NewUser, PlainPassword, RoleName, UserId, Username};

use super::{UsersError, UsersManager, taken};
use crate::{Failure, transact::transact};

/// The password of the first administrator where nobody but this machine can reach the service. It
/// must be changed at the first login, and no proxy may pass a login with it on.
pub const DEFAULT_ADMIN_PASSWORD: &str = "admin";

/// The first administrator, in case there is nobody yet. The password policy does not apply: it must
/// be changed at the first login.
#[derive(Debug, Clone)]
pub struct BootstrapAdmin {
    /// The name to sign in with.
    pub username: Username,
    /// The first password.
    pub password: PlainPassword,
}

/// Whether the first administrator was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapOutcome {
    /// There was nobody; now there is the administrator.
    Created,
    /// There is somebody, be it a deleted account.
    Present,
}

impl UsersManager {
    /// Makes the first administrator if there is no account at all, softly deleted ones included. Of
    /// several processes that start at once, one makes him.
    ///
    /// # Errors
    /// [`UsersError::Failure`].
    pub async fn ensure_default_admin(&self, admin: BootstrapAdmin) -> Result<BootstrapOutcome, UsersError> {
        if self.backend.user_any().await? {
            return Ok(BootstrapOutcome::Present);
        }
        let password_hash = self.hasher.hash(admin.password).await.map_err(Failure::from)?;
        let user = NewUser {
            id: UserId::generate(&*self.environment.ids),
            username: admin.username,
            email: None,
            email_verified_at: None,
            full_name: None,
            external_id: None,
            metadata: Metadata::default(),
            password_hash: Some(password_hash),
            roles: vec![RoleName::ADMIN],
            must_change_password: true,
            created_at: self.environment.clock.now(),
        };
        let details = Details::default().with("username", user.username.as_str());
        let entry = self.entry(&Actor::system(), Action::SystemBootstrapped, user.id).with_details(details);

        let (user, entry) = (&user, &entry);
        transact(&*self.backend, &self.environment, |transaction| async move {
            transaction.role_lock(&RoleName::ADMIN).await?;
            if transaction.user_any().await? {
                return Ok(BootstrapOutcome::Present);
            }
            transaction.user_insert(user).await.map_err(taken)?;
            transaction.activity_append(entry).await?;
            transaction.commit(BootstrapOutcome::Created).await
        })
        .await
    }
}
