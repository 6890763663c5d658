use async_trait::async_trait;
use usher_domain::{
    EmailAddress, NewUser, Page, PageSize, PasswordHash, SearchPrefix, Timestamp, User, UserChanges, UserFilter,
    UserId, UserInDB, UserOrder, UserScope, Username,
};

use crate::StorageResult;

/// Reads of accounts. Each is one query, roles and permissions included.
#[async_trait]
pub trait UserQueries {
    /// The account with this id.
    async fn user_by_id(&self, id: UserId, scope: UserScope) -> StorageResult<Option<UserInDB>>;

    /// The account with this username, however it is spelt.
    async fn user_by_username(&self, username: &Username, scope: UserScope) -> StorageResult<Option<UserInDB>>;

    /// The account with this address, however it is spelt.
    async fn user_by_email(&self, email: &EmailAddress, scope: UserScope) -> StorageResult<Option<UserInDB>>;

    /// Whether there is any account at all, softly deleted ones included.
    async fn user_any(&self) -> StorageResult<bool>;

    /// A page of the accounts that the filter lets through, softly deleted ones only if it asks for
    /// them: one query for the accounts and one for their roles, whatever the size, and the thousandth
    /// page at the price of the first.
    async fn user_page(
        &self,
        filter: &UserFilter,
        order: &UserOrder,
        size: PageSize,
    ) -> StorageResult<Page<User, UserOrder>>;

    /// How many accounts the filter lets through and, if there is a prefix, the search finds; counted
    /// up to `most`.
    async fn user_count(&self, filter: &UserFilter, prefix: Option<&SearchPrefix>, most: u64) -> StorageResult<u64>;

    /// Some of the accounts that were softly deleted before this moment, the earliest first.
    async fn user_deleted_before(&self, moment: Timestamp, size: PageSize) -> StorageResult<Vec<UserId>>;
}

/// Changes of accounts.
#[async_trait]
pub trait UserWrites {
    /// The account with this id, locked until the transaction ends.
    async fn user_by_id_for_update(&self, id: UserId, scope: UserScope) -> StorageResult<Option<UserInDB>>;

    /// Adds an account and gives it its roles.
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) for a name that is taken or a role that does not exist.
    async fn user_insert(&self, user: &NewUser) -> StorageResult<()>;

    /// Writes the changes, raises the version and moves `updated_at`. With `expected_version`, only if
    /// that is still the version. Answers whether it was done; softly deleted accounts count.
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) for a name that is taken.
    async fn user_update(
        &self,
        id: UserId,
        expected_version: Option<i64>,
        changes: &UserChanges,
        now: Timestamp,
    ) -> StorageResult<bool>;

    /// Sets another password and whether it must be changed, and raises the epoch. The version rises
    /// only if `must_change_password` turns. Answers whether the account is there (and not deleted).
    async fn user_set_password(
        &self,
        id: UserId,
        hash: &PasswordHash,
        must_change_password: bool,
        now: Timestamp,
    ) -> StorageResult<bool>;

    /// Replaces the hash of the same password by a better one, if the old one is still in place.
    /// Raises neither epoch nor version.
    async fn user_upgrade_password_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> StorageResult<bool>;

    /// Ends every access token of an account so far. Answers whether it is there, deleted or not.
    async fn user_raise_epoch(&self, id: UserId) -> StorageResult<bool>;

    /// Removes an account for ever, with its sessions and what ties it to its roles. The activity log
    /// is left as it is. Answers whether it was there, deleted or not.
    async fn user_purge(&self, id: UserId) -> StorageResult<bool>;

    /// Notes a login, if the account is active and `hash` is still its password: a login that raced a
    /// change of password or a deactivation does not count. Raises neither epoch nor version.
    async fn user_record_login(&self, id: UserId, hash: &PasswordHash, now: Timestamp) -> StorageResult<bool>;
}
