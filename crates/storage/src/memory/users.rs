use async_trait::async_trait;
use usher_domain::{
    EmailAddress, ExternalId, NewUser, Page, PageSize, PasswordHash, Permissions, SearchPrefix, Timestamp, User,
    UserChanges, UserFilter, UserId, UserInDB, UserOrder, UserScope, UserStatus, Username,
};

use super::{MemoryBackend, Open, State, View, lists};
use crate::{Constraint, StorageError, StorageResult, UserQueries, UserWrites};

#[async_trait]
impl<V: View> UserQueries for MemoryBackend<V> {
    async fn user_by_id(&self, id: UserId, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        self.view.read(|state| state.find_user(scope, |user| user.id == id))
    }

    async fn user_by_username(&self, username: &Username, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        let key = username.key();
        self.view.read(|state| state.find_user(scope, |user| user.username.key() == key))
    }

    async fn user_by_email(&self, email: &EmailAddress, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        let key = email.key();
        let has_it = |user: &User| user.email.as_ref().is_some_and(|email| email.key() == key);
        self.view.read(|state| state.find_user(scope, has_it))
    }

    async fn user_any(&self) -> StorageResult<bool> {
        self.view.read(|state| !state.users.is_empty())
    }

    async fn user_page(
        &self,
        filter: &UserFilter,
        order: &UserOrder,
        size: PageSize,
    ) -> StorageResult<Page<User, UserOrder>> {
        self.view.read(|state| lists::page(state.listed(filter), order, size))
    }

    async fn user_count(&self, filter: &UserFilter, prefix: Option<&SearchPrefix>, most: u64) -> StorageResult<u64> {
        self.view.read(|state| {
            let found =
                state.listed(filter).into_iter().filter(|user| prefix.is_none_or(|p| lists::found(user, p).is_some()));
            most.min(found.count() as u64)
        })
    }

    async fn user_deleted_before(&self, moment: Timestamp, size: PageSize) -> StorageResult<Vec<UserId>> {
        self.view.read(|state| {
            let deleted = state.users.values().filter_map(|row| match row.user.status {
                UserStatus::Deleted { since, .. } if since < moment => Some((since, row.user.id)),
                UserStatus::Deleted { .. } | UserStatus::Deactivated { .. } | UserStatus::Active => None,
            });
            let mut deleted: Vec<_> = deleted.collect();
            deleted.sort_unstable();
            deleted.into_iter().take(size.get()).map(|(_, id)| id).collect()
        })
    }
}

#[async_trait]
impl UserWrites for MemoryBackend<Open> {
    async fn user_by_id_for_update(&self, id: UserId, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        self.user_by_id(id, scope).await
    }

    async fn user_insert(&self, new: &NewUser) -> StorageResult<()> {
        self.view.write(|state| {
            if state.users.contains_key(&new.id) {
                return Err(StorageError::Backend("the id of the account is taken".into()));
            }
            let user = User {
                id: new.id,
                username: new.username.clone(),
                email: new.email.clone(),
                email_verified_at: new.email_verified_at,
                full_name: new.full_name.clone(),
                external_id: new.external_id.clone(),
                metadata: new.metadata.clone(),
                status: UserStatus::Active,
                roles: state.existing_roles(&new.roles)?,
                permissions: Permissions::default(),
                must_change_password: new.must_change_password,
                version: 1,
                last_login_at: None,
                created_at: new.created_at,
                updated_at: new.created_at,
            };
            state.check_unique(new.id, Some(&new.username), new.email.as_ref(), new.external_id.as_ref())?;
            state.users.insert(new.id, UserInDB { user, password_hash: new.password_hash.clone(), token_epoch: 0 });
            Ok(())
        })
    }

    async fn user_update(
        &self,
        id: UserId,
        expected_version: Option<i64>,
        changes: &UserChanges,
        now: Timestamp,
    ) -> StorageResult<bool> {
        self.view.write(|state| {
            let expected = |row: &&UserInDB| expected_version.is_none_or(|version| version == row.user.version);
            if state.users.get(&id).filter(expected).is_none() {
                return Ok(false);
            }
            let email = changes.email.as_ref().and_then(Option::as_ref);
            let external_id = changes.external_id.as_ref().and_then(Option::as_ref);
            state.check_unique(id, changes.username.as_ref(), email, external_id)?;
            Ok(state.change_user(
                id,
                |_| true,
                |row| {
                    apply(changes, &mut row.user);
                    row.user.version += 1;
                    row.user.updated_at = now;
                },
            ))
        })
    }

    async fn user_set_password(
        &self,
        id: UserId,
        hash: &PasswordHash,
        must_change_password: bool,
        now: Timestamp,
    ) -> StorageResult<bool> {
        self.view.write(|state| {
            Ok(state.change_user(id, is_existing, |row| {
                row.password_hash = Some(hash.clone());
                row.token_epoch += 1;
                if row.user.must_change_password != must_change_password {
                    row.user.must_change_password = must_change_password;
                    row.user.version += 1;
                    row.user.updated_at = now;
                }
            }))
        })
    }

    async fn user_upgrade_password_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> StorageResult<bool> {
        let in_place = |row: &UserInDB| row.password_hash.as_ref() == Some(old);
        self.view.write(|state| Ok(state.change_user(id, in_place, |row| row.password_hash = Some(new.clone()))))
    }

    async fn user_raise_epoch(&self, id: UserId) -> StorageResult<bool> {
        self.view.write(|state| Ok(state.change_user(id, |_| true, |row| row.token_epoch += 1)))
    }

    async fn user_purge(&self, id: UserId) -> StorageResult<bool> {
        self.view.write(|state| {
            state.sessions.retain(|_, session| session.user_id != id);
            state.one_time_tokens.retain(|_, token| token.purpose.user() != Some(id));
            state.mails.retain(|_, mail| mail.user != Some(id));
            Ok(state.users.remove(&id).is_some())
        })
    }

    async fn user_record_login(&self, id: UserId, hash: &PasswordHash, now: Timestamp) -> StorageResult<bool> {
        let counts = |row: &UserInDB| row.user.is_active() && row.password_hash.as_ref() == Some(hash);
        self.view.write(|state| Ok(state.change_user(id, counts, |row| row.user.last_login_at = Some(now))))
    }
}

impl State {
    /// Where every look-up of an account starts.
    fn find_user(&self, scope: UserScope, matches: impl Fn(&User) -> bool) -> Option<UserInDB> {
        let visible = |row: &&UserInDB| match scope {
            UserScope::Existing => is_existing(row),
            UserScope::WithDeleted => true,
        };
        self.users.values().filter(visible).find(|row| matches(&row.user)).map(|row| self.with_permissions(row))
    }

    /// The accounts that a list is made from.
    fn listed(&self, filter: &UserFilter) -> Vec<User> {
        let rows = self.users.values().filter(|row| lists::passes(filter, &row.user));
        rows.map(|row| self.with_permissions(row).user).collect()
    }

    /// The account as its roles are now.
    pub(super) fn with_permissions(&self, row: &UserInDB) -> UserInDB {
        let mut row = row.clone();
        row.user.permissions = Permissions::of_roles(row.user.roles.iter().filter_map(|name| self.roles.get(name)));
        row
    }

    /// Changes an account, if it is there and the guard lets it; answers whether it did.
    pub(super) fn change_user(
        &mut self,
        id: UserId,
        guard: impl FnOnce(&UserInDB) -> bool,
        change: impl FnOnce(&mut UserInDB),
    ) -> bool {
        match self.users.get_mut(&id) {
            Some(row) if guard(row) => {
                change(row);
                true
            }
            Some(_) | None => false,
        }
    }

    fn check_unique(
        &self,
        id: UserId,
        username: Option<&Username>,
        email: Option<&EmailAddress>,
        external_id: Option<&ExternalId>,
    ) -> StorageResult<()> {
        let username = username.map(Username::key);
        let email = email.map(EmailAddress::key);
        for other in self.users.values().map(|row| &row.user).filter(|other| other.id != id) {
            let taken = if username.as_ref() == Some(&other.username.key()) {
                Constraint::UsernameUnique
            } else if email.is_some() && email == other.email.as_ref().map(EmailAddress::key) {
                Constraint::EmailUnique
            } else if external_id.is_some() && external_id == other.external_id.as_ref() {
                Constraint::ExternalIdUnique
            } else {
                continue;
            };
            return Err(StorageError::Conflict(taken));
        }
        Ok(())
    }
}

pub(super) fn is_existing(row: &UserInDB) -> bool {
    !matches!(row.user.status, UserStatus::Deleted { .. })
}

fn apply(changes: &UserChanges, user: &mut User) {
    let UserChanges { username, email, email_verified_at, full_name, external_id, metadata, status } = changes.clone();
    set(&mut user.username, username);
    set(&mut user.email, email);
    set(&mut user.email_verified_at, email_verified_at);
    set(&mut user.full_name, full_name);
    set(&mut user.external_id, external_id);
    set(&mut user.metadata, metadata);
    set(&mut user.status, status);
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}
