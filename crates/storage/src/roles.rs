use async_trait::async_trait;
use usher_domain::{Role, RoleChanges, RoleName, Timestamp, UserId, UserInDB};

use crate::StorageResult;

/// Reads of roles.
#[async_trait]
pub trait RoleQueries {
    /// The role of this name.
    async fn role_by_name(&self, name: &RoleName) -> StorageResult<Option<Role>>;

    /// All roles, by name.
    async fn role_all(&self) -> StorageResult<Vec<Role>>;
}

/// Changes of roles, and of who holds them. Transactions that make several of them lock one role first, all the same
/// one, or may find themselves in each other's way.
#[async_trait]
pub trait RoleWrites {
    /// Adds a role.
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) for a name that is taken.
    async fn role_insert(&self, role: &Role) -> StorageResult<()>;

    /// Writes the changes, raises the version and moves `updated_at`. Answers whether the role is there.
    async fn role_update(&self, name: &RoleName, changes: &RoleChanges, now: Timestamp) -> StorageResult<bool>;

    /// Removes a role, and takes it from whoever holds it: as with [`user_set_roles`](Self::user_set_roles), his epoch
    /// and version rise. Answers whether the role was there.
    async fn role_delete(&self, name: &RoleName, now: Timestamp) -> StorageResult<bool>;

    /// Who holds this role, deleted accounts included, up to so many of them by id; locked until the transaction
    /// ends.
    async fn role_holders_for_update(&self, name: &RoleName, most: u64) -> StorageResult<Vec<UserInDB>>;

    /// Holds this role until the transaction ends: whoever else locks it, or gives it to somebody, waits.
    /// Answers whether it exists. What guards the last administrator and the first start, and keeps a role that
    /// is about to go from being given away.
    async fn role_lock(&self, name: &RoleName) -> StorageResult<bool>;

    /// How many active accounts hold this role.
    async fn role_count_active_holders(&self, name: &RoleName) -> StorageResult<u64>;

    /// Gives an account these roles and no others, raises its epoch and version, moves `updated_at`.
    /// Answers whether the account is there (and not deleted).
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) for a role that does not exist.
    async fn user_set_roles(&self, id: UserId, roles: &[RoleName], now: Timestamp) -> StorageResult<bool>;
}
