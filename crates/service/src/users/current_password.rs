use usher_domain::{Action, Actor, PasswordHash, PlainPassword, UserInDB};

use super::{UsersError, UsersManager};
use crate::{Failure, Verification, throttle::Admission, transact::write_down};

impl UsersManager {
    /// Checks the password that somebody gave as his own before something that a stolen session must not
    /// be enough for. Wrong ones count as those at a login do. Answers the hash that it was found to match.
    pub(super) async fn check_current_password(
        &self,
        actor: &Actor,
        account: &UserInDB,
        password: PlainPassword,
        action: Action,
    ) -> Result<PasswordHash, UsersError> {
        // He has a session, so he is no stranger: what others do to the account does not hold him back.
        let tries = self.throttle.login_tries(&account.user.username.key(), actor.client().ip).at_home();
        self.require_admission(self.throttle.admit_login(&tries).await, actor, account).await?;
        let stored = account.password_hash.clone();
        match (self.hasher.verify(password, stored.clone()).await.map_err(Failure::from), stored) {
            (Ok(Verification::Match { .. }), Some(hash)) => {
                self.throttle.login_succeeded(&tries).await;
                Ok(hash)
            }
            (Ok(Verification::Match { .. } | Verification::NoMatch), _) => {
                let entry = self.entry(actor, action, account.user.id).failed();
                write_down(&*self.backend, &self.environment, &entry).await?;
                Err(UsersError::CurrentPasswordIncorrect)
            }
            (Err(failure), _) => {
                self.throttle.login_was_none(&tries).await;
                Err(failure.into())
            }
        }
    }

    pub(super) async fn require_admission(
        &self,
        admission: Admission,
        actor: &Actor,
        account: &UserInDB,
    ) -> Result<(), UsersError> {
        let entry = |details| self.entry(actor, Action::AuthThrottled, account.user.id).with_details(details);
        match self.throttle.note_refusal(admission, &*self.backend, &self.environment, entry).await? {
            Some(retry_after) => Err(UsersError::TooManyAttempts { retry_after }),
            None => Ok(()),
        }
    }
}
