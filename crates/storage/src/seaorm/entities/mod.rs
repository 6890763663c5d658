//! The tables, as SeaORM sees them. They stay in here: what comes out is a value of the domain.

pub(crate) mod activity_log;
pub(crate) mod mail_queue;
pub(crate) mod mail_requests;
pub(crate) mod one_time_tokens;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod user_roles;
pub(crate) mod users;

use sea_orm::{ColumnTrait, EntityName, IdenStatic};

/// A column that knows where it stands.
pub(crate) trait Place: ColumnTrait + IdenStatic {
    /// How many columns its table has before it.
    fn place(self) -> usize;

    /// The table that it is in.
    fn table(self) -> &'static str {
        EntityName::table_name(&Self::EntityName::default())
    }
}

macro_rules! place {
    ($($table:ident),+) => {$(
        impl Place for $table::Column {
            fn place(self) -> usize {
                self as usize
            }
        }
    )+};
}

place!(activity_log, mail_queue, mail_requests, one_time_tokens, roles, sessions, signing_keys, user_roles, users);
