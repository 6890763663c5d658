use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mail_queue")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) recipient: String,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) one_time_token_id: Option<Uuid>,
    pub(crate) payload: String,
    pub(crate) languages: String,
    pub(crate) attempts: i64,
    pub(crate) not_before: i64,
    pub(crate) expires_at: i64,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
