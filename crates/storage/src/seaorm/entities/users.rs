use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) username: String,
    pub(crate) username_key: String,
    pub(crate) email: Option<String>,
    pub(crate) email_key: Option<String>,
    pub(crate) email_verified_at: Option<i64>,
    pub(crate) full_name: Option<String>,
    pub(crate) full_name_key: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) metadata: String,
    pub(crate) password_hash: Option<String>,
    pub(crate) deactivated_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) must_change_password: bool,
    pub(crate) token_epoch: i64,
    pub(crate) version: i64,
    pub(crate) last_login_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
