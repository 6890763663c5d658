use usher_domain::{Action, ActivityEntry, ActivityFilter, Actor, Denied, PageSize, Session, User, UserScope};

use super::{UsersError, UsersManager};
use crate::transact::write_down;

/// Everything that is kept about somebody.
#[derive(Debug, Clone)]
pub struct PersonalData {
    /// The account.
    pub user: User,
    /// His sessions, the latest used first, without those that were ended.
    pub sessions: Vec<Session>,
    /// The entries of the activity log about him, newest first.
    pub activity: Vec<ActivityEntry>,
}

impl UsersManager {
    /// Everything that is kept about the actor himself. That he asked is written down first, so that it is
    /// among it.
    ///
    /// # Errors
    /// [`UsersError::Denied`]; [`UsersError::NotFound`].
    pub async fn export_own_data(&self, actor: &Actor) -> Result<PersonalData, UsersError> {
        actor.require_settled()?;
        let id = actor.user_id().ok_or(Denied::Forbidden)?;
        let entry = self.entry(actor, Action::UserDataExported, id);
        write_down(&*self.backend, &self.environment, &entry).await?;
        let account = self.backend.user_by_id(id, UserScope::Existing).await?.ok_or(UsersError::NotFound)?;
        let sessions = self.backend.session_by_user(id).await?;
        let filter = ActivityFilter { subject: Some(id), ..ActivityFilter::default() };
        let (mut activity, mut before) = (Vec::new(), None);
        loop {
            let page = self.backend.activity_page(&filter, before, PageSize::MAX).await?;
            activity.extend(page.items);
            before = page.next;
            if before.is_none() {
                return Ok(PersonalData { user: account.user, sessions, activity });
            }
        }
    }
}
