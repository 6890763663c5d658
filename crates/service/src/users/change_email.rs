use usher_domain::{
    Action, Actor, Denied, Details, EmailAddress, MailKind, PasswordHash, PlainPassword, TokenPurpose, User,
    UserChanges, UserId, UserScope, ValidationError,
};

use super::{UsersError, UsersManager, taken, target};
use crate::{mail::Addressee, revocations::Change, transact::transact};

/// What became of the wish for another address.
#[derive(Debug, Clone, PartialEq)]
pub enum EmailChange {
    /// A mail is on its way to the new address, unless there were too many of them. The old one is in force
    /// until the new one is proven.
    Pending,
    /// There is no mail here, so the address was changed at once.
    Done(Box<User>),
}

impl UsersManager {
    /// Has the actor's own address changed. Whether somebody else has the new one, he does not learn: its
    /// owner does.
    ///
    /// # Errors
    /// [`UsersError::Invalid`] for a text that is no address; [`UsersError::CurrentPasswordIncorrect`];
    /// [`UsersError::TooManyAttempts`] for passwords, and for mails from one network. Only where there is no
    /// mail: [`UsersError::EmailTaken`].
    pub async fn change_email(
        &self,
        actor: &Actor,
        email: &str,
        current_password: PlainPassword,
    ) -> Result<EmailChange, UsersError> {
        actor.require_settled()?;
        let id = actor.user_id().ok_or(Denied::Forbidden)?;
        let email = EmailAddress::parse(email).map_err(|fault| ValidationError::of("email", fault))?;
        let account = self.backend.user_by_id(id, UserScope::Existing).await?.ok_or(UsersError::NotFound)?;
        let verified =
            self.check_current_password(actor, &account, current_password, Action::EmailChangeRequested).await?;
        if !self.outbox.is_on() {
            let changed = self.change_email_at_once(actor, id, email, &verified).await?;
            return Ok(EmailChange::Done(Box::new(changed)));
        }
        let from_network = self.throttle.admit_mails_from(actor.client().ip).await;
        self.require_admission(from_network, actor, &account).await?;
        if self.throttle.admits_mail_to(&email).await {
            self.ask_new_address(actor, id, email, &verified).await?;
        }
        Ok(EmailChange::Pending)
    }

    async fn ask_new_address(
        &self,
        actor: &Actor,
        id: UserId,
        email: EmailAddress,
        verified: &PasswordHash,
    ) -> Result<(), UsersError> {
        let (entry, email) = (&self.entry(actor, Action::EmailChangeRequested, id), &email);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock(&transaction, actor, id).await?;
            target::require_password(account.password_hash.as_ref(), verified)?;
            let (user, client) = (&account.user, actor.client());
            let to = Addressee { email, username: user.username.as_str(), client };
            let purpose = TokenPurpose::ChangeEmail { user: id, email: email.clone() };
            self.outbox.send_token(&*transaction, &self.environment, purpose, to).await?;
            let (kind, old) = (MailKind::EmailChangeRequested, Addressee::owner(user, client));
            self.outbox.notify(&*transaction, &self.environment, kind, id, old).await?;
            transaction.activity_append(entry).await?;
            transaction.commit(()).await
        })
        .await
    }

    async fn change_email_at_once(
        &self,
        actor: &Actor,
        id: UserId,
        email: EmailAddress,
        verified: &PasswordHash,
    ) -> Result<User, UsersError> {
        let entry = self.entry(actor, Action::EmailChanged, id);
        let entry = &entry.with_details(Details::default().with("proven", false));
        let changes =
            &UserChanges { email: Some(Some(email)), email_verified_at: Some(None), ..UserChanges::default() };
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock(&transaction, actor, id).await?;
            target::require_password(account.password_hash.as_ref(), verified)?;
            transaction.user_update(id, None, changes, entry.occurred_at).await.map_err(taken)?;
            transaction.one_time_token_void(id, None, 0).await?;
            transaction.activity_append(entry).await?;
            let changed = target::read_back(&transaction, id).await?;
            transaction.commit_then(changed.user, self.revocations.announce(Change::of(id))).await
        })
        .await
    }
}
