use std::collections::BTreeSet;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Iterable, QueryFilter, QueryResult, UpdateMany,
    prelude::Uuid,
    sea_query::{CaseStatement, Expr, LockType, Order, Query, SelectStatement, SimpleExpr},
};
use usher_domain::{
    EmailAddress, FullName, Metadata, NewUser, Page, PageSize, PasswordHash, Permissions, RoleName, SearchPrefix,
    Timestamp, User, UserChanges, UserFilter, UserId, UserInDB, UserOrder, UserScope, UserStatus, Username,
};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::{roles, user_roles, users},
    error::{failed, failed_reference},
    roles::granted_from,
    row::{Row, corrupt, to_json},
    user_lists,
};
use crate::{Constraint, StorageError, StorageResult, UserQueries, UserWrites};

#[async_trait]
impl<S: Source> UserQueries for SeaOrmBackend<S> {
    async fn user_by_id(&self, id: UserId, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        let query = select(scope, users::Column::Id.eq(id.as_uuid()));
        self.source.run(find(self.source.connection(), &query)).await
    }

    async fn user_by_username(&self, username: &Username, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        let query = select(scope, users::Column::UsernameKey.eq(username.key()));
        self.source.run(find(self.source.connection(), &query)).await
    }

    async fn user_by_email(&self, email: &EmailAddress, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        let query = select(scope, users::Column::EmailKey.eq(email.key()));
        self.source.run(find(self.source.connection(), &query)).await
    }

    async fn user_any(&self) -> StorageResult<bool> {
        let query = Query::select().expr(Expr::val(1)).from(users::Entity).limit(1).take();
        let first = async { self.source.connection().query_one(&query).await.map_err(failed) };
        Ok(self.source.run(first).await?.is_some())
    }

    async fn user_page(
        &self,
        filter: &UserFilter,
        order: &UserOrder,
        size: PageSize,
    ) -> StorageResult<Page<User, UserOrder>> {
        self.source.run(user_lists::page(self.source.connection(), filter, order, size)).await
    }

    async fn user_count(&self, filter: &UserFilter, prefix: Option<&SearchPrefix>, most: u64) -> StorageResult<u64> {
        self.source.run(user_lists::count(self.source.connection(), filter, prefix, most)).await
    }

    async fn user_deleted_before(&self, moment: Timestamp, size: PageSize) -> StorageResult<Vec<UserId>> {
        self.source.run(user_lists::deleted_before(self.source.connection(), moment, size)).await
    }
}

#[async_trait]
impl UserWrites for SeaOrmBackend<OpenTransaction> {
    /// In two statements: a locking one sees the roles as they were before it waited.
    async fn user_by_id_for_update(&self, id: UserId, scope: UserScope) -> StorageResult<Option<UserInDB>> {
        let transaction = self.source.connection();
        let account = users::Column::Id.eq(id.as_uuid());
        let lock = Query::select()
            .column(users::Column::Id)
            .from(users::Entity)
            .and_where(account.clone())
            .lock(LockType::NoKeyUpdate)
            .take();
        self.source
            .run(async {
                transaction.query_one(&lock).await.map_err(failed)?;
                find(transaction, &select(scope, account)).await
            })
            .await
    }

    async fn user_insert(&self, user: &NewUser) -> StorageResult<()> {
        let transaction = self.source.connection();
        self.source
            .run(async {
                users::Entity::insert(new_row(user)?).exec_without_returning(transaction).await.map_err(failed)?;
                insert_roles(transaction, user.id, &user.roles).await
            })
            .await
    }

    async fn user_update(
        &self,
        id: UserId,
        expected_version: Option<i64>,
        changes: &UserChanges,
        now: Timestamp,
    ) -> StorageResult<bool> {
        let mut update = change(UserScope::WithDeleted, id)
            .set(changed_row(changes)?)
            .col_expr(users::Column::Version, Expr::col(users::Column::Version).add(1))
            .col_expr(users::Column::UpdatedAt, now.as_micros().into());
        if let Some(version) = expected_version {
            update = update.filter(users::Column::Version.eq(version));
        }
        let transaction = self.source.connection();
        self.source
            .run(async {
                let done = apply(transaction, update).await?;
                if let Some(username) = changes.username.as_ref().filter(|_| done) {
                    rename_holder(transaction, id, username).await?;
                }
                Ok(done)
            })
            .await
    }

    async fn user_set_password(
        &self,
        id: UserId,
        hash: &PasswordHash,
        must_change_password: bool,
        now: Timestamp,
    ) -> StorageResult<bool> {
        let if_it_turns = |column: users::Column, value: SimpleExpr| {
            let turns = Expr::col(users::Column::MustChangePassword).ne(must_change_password);
            CaseStatement::new().case(turns, value).finally(Expr::col(column)).into()
        };
        let next_version = Expr::col(users::Column::Version).add(1);
        let update = change(UserScope::Existing, id)
            .col_expr(users::Column::PasswordHash, hash.expose().into())
            .col_expr(users::Column::MustChangePassword, must_change_password.into())
            .col_expr(users::Column::TokenEpoch, Expr::col(users::Column::TokenEpoch).add(1))
            .col_expr(users::Column::Version, if_it_turns(users::Column::Version, next_version))
            .col_expr(users::Column::UpdatedAt, if_it_turns(users::Column::UpdatedAt, now.as_micros().into()));
        self.source.run(apply(self.source.connection(), update)).await
    }

    async fn user_upgrade_password_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> StorageResult<bool> {
        let update = change(UserScope::WithDeleted, id)
            .filter(users::Column::PasswordHash.eq(old.expose()))
            .col_expr(users::Column::PasswordHash, new.expose().into());
        self.source.run(apply(self.source.connection(), update)).await
    }

    async fn user_raise_epoch(&self, id: UserId) -> StorageResult<bool> {
        let update = change(UserScope::WithDeleted, id)
            .col_expr(users::Column::TokenEpoch, Expr::col(users::Column::TokenEpoch).add(1));
        self.source.run(apply(self.source.connection(), update)).await
    }

    /// What hangs onto the account goes with it, by the references of the schema.
    async fn user_purge(&self, id: UserId) -> StorageResult<bool> {
        let purge = users::Entity::delete_many().filter(users::Column::Id.eq(id.as_uuid()));
        let purged = async { Ok(purge.exec(self.source.connection()).await.map_err(failed)?.rows_affected > 0) };
        self.source.run(purged).await
    }

    async fn user_record_login(&self, id: UserId, hash: &PasswordHash, now: Timestamp) -> StorageResult<bool> {
        let update = change(UserScope::Existing, id)
            .filter(users::Column::DeactivatedAt.is_null())
            .filter(users::Column::PasswordHash.eq(hash.expose()))
            .col_expr(users::Column::LastLoginAt, now.as_micros().into());
        self.source.run(apply(self.source.connection(), update)).await
    }
}

/// The accounts of a scope: where every query on accounts starts.
fn within(scope: UserScope) -> Condition {
    match scope {
        UserScope::Existing => Condition::all().add(users::Column::DeletedAt.is_null()),
        UserScope::WithDeleted => Condition::all(),
    }
}

pub(super) fn select(scope: UserScope, filter: SimpleExpr) -> SelectStatement {
    let query = Query::select().from(users::Entity).cond_where(within(scope)).and_where(filter).take();
    with_account(query)
}

/// A change of one account.
pub(super) fn change(scope: UserScope, id: UserId) -> UpdateMany<users::Entity> {
    users::Entity::update_many().filter(within(scope)).filter(users::Column::Id.eq(id.as_uuid()))
}

/// Runs a change; answers whether there was anything to change.
pub(super) async fn apply(db: &impl ConnectionTrait, update: UpdateMany<users::Entity>) -> StorageResult<bool> {
    Ok(update.exec(db).await.map_err(failed)?.rows_affected > 0)
}

/// Adds to a query on accounts, after the columns that it has, all that [`fold`] reads: the account,
/// and one row for each of its roles.
pub(super) fn with_account(mut query: SelectStatement) -> SelectStatement {
    let user = Expr::col((users::Entity, users::Column::Id));
    let role = Expr::col((roles::Entity, roles::Column::Name));
    query
        .columns(users::Column::iter().map(|column| (users::Entity, column)))
        .columns([(roles::Entity, roles::Column::Name), (roles::Entity, roles::Column::Permissions)])
        .left_join(user_roles::Entity, user.equals((user_roles::Entity, user_roles::Column::UserId)))
        .left_join(roles::Entity, role.equals((user_roles::Entity, user_roles::Column::RoleName)))
        .take()
}

async fn find(db: &impl ConnectionTrait, query: &SelectStatement) -> StorageResult<Option<UserInDB>> {
    let rows = db.query_all(query).await.map_err(failed)?;
    rows.first().map(|first| fold(first, &rows, 0)).transpose()
}

/// The accounts with these ids, by id, deleted ones included.
pub(super) async fn find_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> StorageResult<Vec<UserInDB>> {
    let query = select(UserScope::WithDeleted, users::Column::Id.is_in(ids))
        .order_by((users::Entity, users::Column::Id), Order::Asc)
        .take();
    let rows = db.query_all(&query).await.map_err(failed)?;
    let id = |row: &QueryResult| Row::new(row, 0).get::<Uuid>(users::Column::Id).ok();
    let accounts = rows.chunk_by(|one, other| id(one) == id(other));
    accounts.filter_map(|rows| Some(fold(rows.first()?, rows, 0))).collect()
}

/// The account that the columns from `start` on tell of, with the roles of all rows.
pub(super) fn fold(first: &QueryResult, rows: &[QueryResult], start: usize) -> StorageResult<UserInDB> {
    let mut account = read(Row::new(first, start))?;
    let role = start + users::Column::iter().len();
    for row in rows {
        add_role(&mut account.user, Row::new(row, role))?;
    }
    account.user.roles.sort();
    Ok(account)
}

/// Adds a role to an account, and what it grants. The row holds its name, if there is one, and its
/// permissions.
pub(super) fn add_role(user: &mut User, row: Row<'_>) -> StorageResult<()> {
    let Some(name) = row.get_at::<Option<String>>(0, roles::Column::Name)? else { return Ok(()) };
    let name = RoleName::parse(&name).map_err(|_| corrupt(roles::Column::Name))?;
    if name == RoleName::ADMIN {
        user.permissions = Permissions::All;
    }
    if let Permissions::Only(held) = &mut user.permissions {
        let granted: String = row.get_at(1, roles::Column::Permissions)?;
        held.append(&mut granted_from(&granted)?);
    }
    user.roles.push(name);
    Ok(())
}

/// The account itself, without roles.
pub(super) fn read(row: Row<'_>) -> StorageResult<UserInDB> {
    use users::Column;
    Ok(UserInDB {
        user: User {
            id: UserId::from_uuid(row.get(Column::Id)?),
            username: row.parse(Column::Username, Username::parse)?,
            email: row.parse_optional(Column::Email, EmailAddress::parse)?,
            email_verified_at: row.optional_time(Column::EmailVerifiedAt)?,
            full_name: row.parse_optional(Column::FullName, str::parse)?,
            external_id: row.parse_optional(Column::ExternalId, str::parse)?,
            metadata: metadata_from(&row.get::<String>(Column::Metadata)?)?,
            status: UserStatus::from_stored(
                row.optional_time(Column::DeactivatedAt)?,
                row.optional_time(Column::DeletedAt)?,
            ),
            roles: Vec::new(),
            permissions: Permissions::default(),
            must_change_password: row.get(Column::MustChangePassword)?,
            version: row.get(Column::Version)?,
            last_login_at: row.optional_time(Column::LastLoginAt)?,
            created_at: row.time(Column::CreatedAt)?,
            updated_at: row.time(Column::UpdatedAt)?,
        },
        password_hash: row.get::<Option<String>>(Column::PasswordHash)?.map(PasswordHash::from_stored),
        token_epoch: row.get(Column::TokenEpoch)?,
    })
}

/// Most accounts have none, which needs no parsing.
fn metadata_from(text: &str) -> StorageResult<Metadata> {
    if text == "{}" {
        return Ok(Metadata::default());
    }
    let value = serde_json::from_str(text).map_err(|_| corrupt(users::Column::Metadata))?;
    Metadata::parse(value).map_err(|_| corrupt(users::Column::Metadata))
}

fn new_row(user: &NewUser) -> StorageResult<users::ActiveModel> {
    Ok(users::ActiveModel {
        id: Set(user.id.as_uuid()),
        username: Set(user.username.to_string()),
        username_key: Set(user.username.key()),
        email: Set(user.email.as_ref().map(ToString::to_string)),
        email_key: Set(user.email.as_ref().map(EmailAddress::key)),
        email_verified_at: Set(user.email_verified_at.map(Timestamp::as_micros)),
        full_name: Set(user.full_name.as_ref().map(ToString::to_string)),
        full_name_key: Set(user.full_name.as_ref().map(FullName::key)),
        external_id: Set(user.external_id.as_ref().map(ToString::to_string)),
        metadata: Set(to_json(&user.metadata)?),
        password_hash: Set(user.password_hash.as_ref().map(|hash| hash.expose().to_owned())),
        deactivated_at: Set(None),
        deleted_at: Set(None),
        must_change_password: Set(user.must_change_password),
        token_epoch: Set(0),
        version: Set(1),
        last_login_at: Set(None),
        created_at: Set(user.created_at.as_micros()),
        updated_at: Set(user.created_at.as_micros()),
    })
}

fn changed_row(changes: &UserChanges) -> StorageResult<users::ActiveModel> {
    let UserChanges { username, email, email_verified_at, full_name, external_id, metadata, status } = changes;
    let mut row = users::ActiveModel::default();
    if let Some(username) = username {
        row.username = Set(username.to_string());
        row.username_key = Set(username.key());
    }
    if let Some(email) = email {
        row.email = Set(email.as_ref().map(ToString::to_string));
        row.email_key = Set(email.as_ref().map(EmailAddress::key));
    }
    if let Some(at) = email_verified_at {
        row.email_verified_at = Set(at.map(Timestamp::as_micros));
    }
    if let Some(full_name) = full_name {
        row.full_name = Set(full_name.as_ref().map(ToString::to_string));
        row.full_name_key = Set(full_name.as_ref().map(FullName::key));
    }
    if let Some(external_id) = external_id {
        row.external_id = Set(external_id.as_ref().map(ToString::to_string));
    }
    if let Some(metadata) = metadata {
        row.metadata = Set(to_json(metadata)?);
    }
    if let Some(status) = status {
        let (deactivated_at, deleted_at) = status.to_stored();
        row.deactivated_at = Set(deactivated_at.map(Timestamp::as_micros));
        row.deleted_at = Set(deleted_at.map(Timestamp::as_micros));
    }
    Ok(row)
}

/// Gives roles to an account that is there, so that only a role can be missing. Each row copies what
/// lists of holders are ordered by.
pub(super) async fn insert_roles(db: &impl ConnectionTrait, user: UserId, roles: &[RoleName]) -> StorageResult<()> {
    use user_roles::Column;
    let distinct: BTreeSet<_> = roles.iter().map(RoleName::as_str).collect();
    if distinct.is_empty() {
        return Ok(());
    }
    let wanted = distinct.len() as u64;
    let rows = Query::select()
        .columns([users::Column::Id, users::Column::CreatedAt, users::Column::UsernameKey].map(|c| (users::Entity, c)))
        .column((roles::Entity, roles::Column::Name))
        .from(users::Entity)
        .inner_join(roles::Entity, roles::Column::Name.is_in(distinct))
        .and_where(users::Column::Id.eq(user.as_uuid()))
        .take();
    let mut insert = Query::insert()
        .into_table(user_roles::Entity)
        .columns([Column::UserId, Column::CreatedAt, Column::UsernameKey, Column::RoleName])
        .take();
    insert.select_from(rows).map_err(|error| StorageError::Backend(Box::new(error)))?;
    let inserted = db.execute(&insert).await.map_err(failed_reference(Constraint::RoleExists))?.rows_affected();
    if inserted < wanted { Err(StorageError::Conflict(Constraint::RoleExists)) } else { Ok(()) }
}

/// Corrects the username in the rows of [`insert_roles`].
async fn rename_holder(db: &impl ConnectionTrait, user: UserId, username: &Username) -> StorageResult<()> {
    let rename = user_roles::Entity::update_many()
        .filter(user_roles::Column::UserId.eq(user.as_uuid()))
        .col_expr(user_roles::Column::UsernameKey, username.key().into());
    rename.exec(db).await.map_err(failed)?;
    Ok(())
}

/// How many active accounts hold a role.
pub(super) async fn count_active_holders(db: &impl ConnectionTrait, role: &RoleName) -> StorageResult<u64> {
    let user = Expr::col((users::Entity, users::Column::Id));
    let query = Query::select()
        .expr(user.clone().count())
        .from(users::Entity)
        .inner_join(user_roles::Entity, user.equals((user_roles::Entity, user_roles::Column::UserId)))
        .cond_where(within(UserScope::Existing))
        .and_where(users::Column::DeactivatedAt.is_null())
        .and_where(user_roles::Column::RoleName.eq(role.as_str()))
        .take();
    let row = db.query_one(&query).await.map_err(failed)?;
    let count = row.map_or(Ok(0), |row| row.try_get_by_index::<i64>(0)).map_err(failed)?;
    Ok(count.try_into().unwrap_or(0))
}
