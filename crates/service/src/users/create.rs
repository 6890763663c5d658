use serde_json::Value;
use usher_domain::{
    Action, Actor, Details, EmailAddress, ExternalId, Fault, FaultCode, Metadata, NewUser, PasswordContext,
    PlainPassword, Role, RoleName, TokenPurpose, User, UserId, UsernameOrigin, ValidationError, permissions,
};

use super::{
    UsersError, UsersManager,
    roles::{find_roles, granted_by},
    taken, target,
};
use crate::{
    mail::Addressee,
    roles::lock_roles,
    transact::{OpenTransaction, Rollback, transact},
};

/// An account that somebody wants made, as it came in: nothing is checked yet, so that all faults can
/// be told at once.
#[derive(Debug, Clone, Default)]
pub struct UserDraft {
    /// The name to sign in with.
    pub username: String,
    /// The first password; none for an invitation.
    pub password: Option<PlainPassword>,
    /// The address.
    pub email: Option<String>,
    /// Whether the address counts as proven.
    pub email_verified: bool,
    /// What the person is called.
    pub full_name: Option<String>,
    /// What another system calls this account.
    pub external_id: Option<String>,
    /// The host project's own fields.
    pub metadata: Option<Value>,
    /// The roles; the default ones if not given.
    pub roles: Option<Vec<String>>,
    /// Whether the password must be changed at the first login: true if not given, because it was
    /// somebody else who chose it.
    pub must_change_password: Option<bool>,
}

impl UsersManager {
    /// Makes an account for somebody else. Without a password he gets an invitation to choose one, by mail.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:write`, or without `roles:assign` and every permission of
    /// the roles where roles are given; [`UsersError::Invalid`] with everything that is wrong;
    /// [`UsersError::UsernameTaken`] and its like.
    pub async fn create_user(&self, actor: &Actor, draft: UserDraft) -> Result<User, UsersError> {
        actor.require(&permissions::USERS_WRITE)?;
        let roles_chosen = draft.roles.is_some();
        if roles_chosen {
            actor.require(&permissions::ROLES_ASSIGN)?;
        }
        let known = if roles_chosen { self.backend.role_all().await? } else { Vec::new() };
        let (user, password) = self.check_draft(draft, UsernameOrigin::Administrator, &known)?;
        if roles_chosen {
            // Asked again under the lock; here so that nobody has a password hashed for nothing.
            actor.require_cover(&granted_by(&user.roles, &known))?;
        }
        let (user, action) = match password {
            Some(password) => (self.with_password(user, password).await?, Action::UserCreated),
            None => (NewUser { must_change_password: false, ..user }, Action::UserInvited),
        };
        let roles: Vec<_> = user.roles.iter().map(RoleName::as_str).collect();
        let entry = self.entry(actor, action, user.id).with_details(Details::default().with("roles", roles));
        let (user, entry) = (&user, &entry);
        transact(&*self.backend, &self.environment, |transaction| async move {
            if roles_chosen {
                self.check_roles(&transaction, actor, &user.roles).await?;
            }
            transaction.user_insert(user).await.map_err(taken)?;
            transaction.activity_append(entry).await?;
            let made = target::read_back(&transaction, user.id).await?.user;
            if user.password_hash.is_none()
                && let Some(to) = Addressee::owner(&made, actor.client())
            {
                let invitation = TokenPurpose::Invite { user: user.id };
                self.outbox.send_token(&*transaction, &self.environment, invitation, to).await?;
            }
            transaction.commit(made).await
        })
        .await
    }

    /// Everything that can be said about a draft without asking the database, but for the roles that it may name.
    pub(super) fn check_draft(
        &self,
        draft: UserDraft,
        origin: UsernameOrigin,
        known_roles: &[Role],
    ) -> Result<(NewUser, Option<PlainPassword>), UsersError> {
        let mut faults = ValidationError::default();
        let names = &self.settings.names;
        let now = self.environment.clock.now();

        let username = faults.check("username", names.username(&draft.username, origin));
        let email = draft.email.and_then(|text| faults.check("email", EmailAddress::parse(&text)));
        if email.is_none() && self.settings.require_email && !faults.has("email") {
            faults.push("email", Fault::new(FaultCode::Required, "is required"));
        }
        let full_name = draft.full_name.and_then(|text| faults.check("full_name", names.full_name(&text)));
        let external_id = draft.external_id.and_then(|text| faults.check("external_id", ExternalId::parse(&text)));
        let metadata = draft.metadata.and_then(|value| faults.check("metadata", Metadata::parse(value)));
        let roles = match draft.roles {
            None => self.settings.default_roles.clone(),
            Some(names) => find_roles(&names, known_roles, &mut faults).into_iter().collect(),
        };
        match &draft.password {
            Some(password) => {
                let context = PasswordContext { username: username.as_ref(), email: email.as_ref() };
                faults.push_all("password", self.settings.passwords.faults(password, context));
            }
            None if origin == UsernameOrigin::Oneself || !self.outbox.is_on() => {
                faults.push("password", Fault::new(FaultCode::Required, "is required"));
            }
            None if email.is_none() && !faults.has("email") => {
                faults.push("email", Fault::new(FaultCode::Required, "is required for an invitation"));
            }
            None => {}
        }
        let Some(username) = username else { return Err(UsersError::Invalid(faults)) };
        faults.into_result()?;

        let email_verified_at = (draft.email_verified && email.is_some()).then_some(now);
        let id = UserId::generate(&*self.environment.ids);
        let user = NewUser {
            id,
            username,
            email,
            email_verified_at,
            full_name,
            external_id,
            metadata: metadata.unwrap_or_default(),
            password_hash: None,
            roles,
            must_change_password: draft.must_change_password.unwrap_or(true),
            created_at: now,
        };
        Ok((user, draft.password))
    }

    /// Refuses to give an account roles that are gone by now, or that grant what the actor does not have himself.
    async fn check_roles(
        &self,
        transaction: &OpenTransaction,
        actor: &Actor,
        wanted: &[RoleName],
    ) -> Result<(), Rollback<UsersError>> {
        lock_roles(transaction).await?;
        let known = transaction.role_all().await?;
        let mut faults = ValidationError::default();
        let names: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        let found = find_roles(&names, &known, &mut faults);
        faults.into_result().map_err(target::refused)?;
        actor.require_cover(&granted_by(&found, &known)).map_err(target::refused)
    }
}
