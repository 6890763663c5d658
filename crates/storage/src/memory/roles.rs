use async_trait::async_trait;
use usher_domain::{Role, RoleChanges, RoleName, Timestamp, UserId, UserInDB};

use super::{MemoryBackend, Open, State, View, users::is_existing};
use crate::{Constraint, RoleQueries, RoleWrites, StorageError, StorageResult};

#[async_trait]
impl<V: View> RoleQueries for MemoryBackend<V> {
    async fn role_by_name(&self, name: &RoleName) -> StorageResult<Option<Role>> {
        self.view.read(|state| state.roles.get(name).cloned())
    }

    async fn role_all(&self) -> StorageResult<Vec<Role>> {
        self.view.read(|state| state.roles.values().cloned().collect())
    }
}

#[async_trait]
impl RoleWrites for MemoryBackend<Open> {
    async fn role_insert(&self, role: &Role) -> StorageResult<()> {
        self.view.write(|state| {
            if state.roles.contains_key(&role.name) {
                return Err(StorageError::Conflict(Constraint::RoleNameUnique));
            }
            state.roles.insert(role.name.clone(), role.clone());
            Ok(())
        })
    }

    async fn role_update(&self, name: &RoleName, changes: &RoleChanges, now: Timestamp) -> StorageResult<bool> {
        self.view.write(|state| {
            let Some(role) = state.roles.get_mut(name) else { return Ok(false) };
            if let Some(description) = &changes.description {
                role.description.clone_from(description);
            }
            if let Some(granted) = &changes.granted {
                role.granted.clone_from(granted);
            }
            role.version += 1;
            role.updated_at = now;
            Ok(true)
        })
    }

    async fn role_delete(&self, name: &RoleName, now: Timestamp) -> StorageResult<bool> {
        self.view.write(|state| {
            for row in state.users.values_mut().filter(|row| row.user.roles.contains(name)) {
                row.user.roles.retain(|held| held != name);
                note_other_roles(row, now);
            }
            Ok(state.roles.remove(name).is_some())
        })
    }

    async fn role_holders_for_update(&self, name: &RoleName, most: u64) -> StorageResult<Vec<UserInDB>> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        self.view.read(|state| {
            let mut holders: Vec<_> = state.users.values().filter(|row| row.user.roles.contains(name)).collect();
            holders.sort_by_key(|row| row.user.id);
            holders.into_iter().take(most).map(|row| state.with_permissions(row)).collect()
        })
    }

    /// Transactions run one after the other, so that every role is locked from the start.
    async fn role_lock(&self, name: &RoleName) -> StorageResult<bool> {
        self.view.read(|state| state.roles.contains_key(name))
    }

    async fn role_count_active_holders(&self, name: &RoleName) -> StorageResult<u64> {
        self.view.read(|state| {
            let holders = state.users.values().filter(|row| row.user.is_active() && row.user.roles.contains(name));
            holders.map(|_| 1).sum()
        })
    }

    async fn user_set_roles(&self, id: UserId, roles: &[RoleName], now: Timestamp) -> StorageResult<bool> {
        self.view.write(|state| {
            if !state.users.get(&id).is_some_and(is_existing) {
                return Ok(false);
            }
            let roles = state.existing_roles(roles)?;
            Ok(state.change_user(id, is_existing, |row| {
                row.user.roles = roles;
                note_other_roles(row, now);
            }))
        })
    }
}

fn note_other_roles(row: &mut UserInDB, now: Timestamp) {
    row.user.version += 1;
    row.user.updated_at = now;
    row.token_epoch += 1;
}

impl State {
    /// These roles, sorted and each once.
    pub(super) fn existing_roles(&self, names: &[RoleName]) -> StorageResult<Vec<RoleName>> {
        if names.iter().any(|name| !self.roles.contains_key(name)) {
            return Err(StorageError::Conflict(Constraint::RoleExists));
        }
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        Ok(names)
    }
}
