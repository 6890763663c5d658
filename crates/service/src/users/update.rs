use serde_json::Value;
use usher_domain::{
    Action, Actor, Denied, Details, EmailAddress, ExternalId, Fault, FaultCode, FullName, MailKind, Metadata,
    Timestamp, User, UserChanges, UserId, UsernameOrigin, ValidationError, permissions,
};

use super::{UsersError, UsersManager, taken, target};
use crate::{mail::Addressee, revocations::Change, transact::transact};

/// Changes that somebody wants made to an account, as they came in: none leaves a field as it is,
/// `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// Another username.
    pub username: Option<String>,
    /// Another address, or none.
    pub email: Option<Option<String>>,
    /// Whether the address counts as proven.
    pub email_verified: Option<bool>,
    /// Another full name, or none.
    pub full_name: Option<Option<String>>,
    /// Another external id, or none.
    pub external_id: Option<Option<String>>,
    /// Other fields of the host project, instead of the old ones.
    pub metadata: Option<Value>,
}

/// The fields that a change touches, by their names on the wire.
type Fields = Vec<&'static str>;

impl UsersManager {
    /// Changes an account. With one's own id nobody needs a permission, but without `users:write` only
    /// the username and the full name may differ from what is there, and the address never: a stolen
    /// token must not be enough. A new address is unproven unless the patch says otherwise. A change
    /// that changes nothing leaves no trace.
    ///
    /// # Errors
    /// [`UsersError::Denied`], for somebody who may do more than the actor too;
    /// [`UsersError::CannotTargetSelf`] for one's own address; [`UsersError::Invalid`] with everything
    /// that is wrong; [`UsersError::UsernameTaken`] and its like; [`UsersError::WrongStatus`] for a
    /// deleted account; [`UsersError::VersionMismatch`].
    pub async fn update_user(
        &self,
        actor: &Actor,
        id: UserId,
        patch: UserPatch,
        version: Option<i64>,
    ) -> Result<User, UsersError> {
        actor.require_settled()?;
        if !actor.is(id) {
            actor.require(&permissions::USERS_WRITE)?;
        }
        let entry = self.entry(actor, Action::UserUpdated, id);
        let now = entry.occurred_at;
        let (entry, patch) = (&entry, &patch);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            target::require_existing(&account)?;
            let (changes, fields) = self.check_patch(actor, &account.user, patch, now).map_err(target::refused)?;
            if changes.is_empty() {
                return Ok(account.user);
            }
            require_own_fields(actor, id, &fields).map_err(target::refused)?;
            transaction.user_update(id, None, &changes, now).await.map_err(taken)?;
            if changes.email.is_some() {
                transaction.one_time_token_void(id, None, 0).await?;
                let old = Addressee::owner(&account.user, actor.client());
                self.outbox.notify(&*transaction, &self.environment, MailKind::EmailChanged, id, old).await?;
            }
            let details = Details::default().with("fields", fields);
            transaction.activity_append(&entry.clone().with_details(details)).await?;
            let changed = target::read_back(&transaction, id).await?;
            transaction.commit_then(changed.user, self.revocations.announce(Change::of(id))).await
        })
        .await
    }

    /// What of a patch differs from what is there. What does not is not checked either: a setting that
    /// was tightened breaks nobody.
    fn check_patch(
        &self,
        actor: &Actor,
        user: &User,
        patch: &UserPatch,
        now: Timestamp,
    ) -> Result<(UserChanges, Fields), UsersError> {
        let mut faults = ValidationError::default();
        let mut changes = UserChanges::default();
        let mut fields = Fields::new();
        let names = &self.settings.names;

        if let Some(text) = patch.username.as_deref().filter(|text| *text != user.username.as_str()) {
            changes.username = faults.check("username", names.username(text, origin(actor)));
            fields.push("username");
        }
        if let Some(wanted) = &patch.email {
            let email = parse(wanted, |text| faults.check("email", EmailAddress::parse(text)));
            if email.is_none() && wanted.is_none() && self.settings.require_email {
                faults.push("email", Fault::new(FaultCode::Required, "is required"));
            }
            if email != user.email {
                changes.email = Some(email);
                changes.email_verified_at = user.email_verified_at.map(|_| None);
                fields.push("email");
            }
        }
        if let Some(verified) = patch.email_verified {
            let is_there = changes.email.as_ref().unwrap_or(&user.email).is_some();
            if verified && !is_there {
                faults
                    .push("email_verified", Fault::new(FaultCode::InvalidFormat, "there is no address to be verified"));
            }
            let before = if changes.email.is_some() { None } else { user.email_verified_at };
            if verified != before.is_some() {
                changes.email_verified_at = Some(verified.then_some(now));
                fields.push("email_verified");
            }
        }
        if let Some(wanted) = &patch.full_name
            && wanted.as_deref() != user.full_name.as_ref().map(FullName::as_str)
        {
            changes.full_name = Some(parse(wanted, |text| faults.check("full_name", names.full_name(text))));
            fields.push("full_name");
        }
        if let Some(wanted) = &patch.external_id
            && wanted.as_deref() != user.external_id.as_ref().map(ExternalId::as_str)
        {
            changes.external_id = Some(parse(wanted, |text| faults.check("external_id", ExternalId::parse(text))));
            fields.push("external_id");
        }
        if let Some(value) = &patch.metadata
            && let Some(metadata) = faults.check("metadata", Metadata::parse(value.clone()))
            && metadata != user.metadata
        {
            changes.metadata = Some(metadata);
            fields.push("metadata");
        }
        faults.into_result()?;
        Ok((changes, fields))
    }
}

fn origin(actor: &Actor) -> UsernameOrigin {
    match actor.require(&permissions::USERS_WRITE) {
        Ok(()) => UsernameOrigin::Administrator,
        Err(Denied::Forbidden | Denied::PasswordChangeRequired) => UsernameOrigin::Oneself,
    }
}

fn parse<T>(wanted: &Option<String>, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    wanted.as_deref().and_then(parse)
}

/// Which of his own fields somebody may change.
fn require_own_fields(actor: &Actor, id: UserId, fields: &[&str]) -> Result<(), UsersError> {
    if !actor.is(id) {
        return Ok(());
    }
    let only = |allowed: &[&str]| fields.iter().all(|field| allowed.contains(field));
    if actor.require(&permissions::USERS_WRITE).is_err() && !only(&["username", "full_name"]) {
        return Err(Denied::Forbidden.into());
    }
    if !only(&["username", "full_name", "external_id", "metadata"]) {
        return Err(UsersError::CannotTargetSelf);
    }
    Ok(())
}
