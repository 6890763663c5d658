//! The kinds of column that usher uses, the same on every engine. As frozen as the steps are.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{DbBackend, DbErr},
    sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, IndexCreateStatement},
};

/// The engines that there is a schema for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    pub(crate) fn of(manager: &SchemaManager<'_>) -> Result<Self, DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => Ok(Self::Postgres),
            DbBackend::Sqlite => Ok(Self::Sqlite),
            other => Err(DbErr::BackendNotSupported { db: other.as_str(), ctx: "the schema of usher" }),
        }
    }
}

/// Makes the columns of one engine.
pub(crate) struct Columns {
    engine: Engine,
}

impl Columns {
    pub(crate) fn of(manager: &SchemaManager<'_>) -> Result<Self, DbErr> {
        Ok(Self { engine: Engine::of(manager)? })
    }

    /// A UUID: 16 bytes that sort by value.
    pub(crate) fn uuid(&self, name: &'static str) -> ColumnDef {
        match self.engine {
            Engine::Postgres => ColumnDef::new(name).uuid().take(),
            Engine::Sqlite => ColumnDef::new(name).custom("blob").take(),
        }
    }

    /// A text that is compared byte by byte, whatever the database's locale: a key, or a word of a
    /// closed list.
    pub(crate) fn key(&self, name: &'static str, length: u32) -> ColumnDef {
        let collation = match self.engine {
            Engine::Postgres => "COLLATE \"C\"",
            Engine::Sqlite => "COLLATE BINARY",
        };
        ColumnDef::new(name).string_len(length).extra(collation).take()
    }

    /// A text to read, or JSON, which the database does not look into.
    pub(crate) fn text(&self, name: &'static str) -> ColumnDef {
        ColumnDef::new(name).text().take()
    }

    /// A moment: microseconds since the Unix epoch.
    pub(crate) fn time(&self, name: &'static str) -> ColumnDef {
        self.number(name)
    }

    /// A whole number of 64 bits.
    pub(crate) fn number(&self, name: &'static str) -> ColumnDef {
        ColumnDef::new(name).big_integer().take()
    }

    pub(crate) fn boolean(&self, name: &'static str) -> ColumnDef {
        ColumnDef::new(name).boolean().take()
    }

    pub(crate) fn bytes(&self, name: &'static str) -> ColumnDef {
        ColumnDef::new(name).blob().take()
    }
}

pub(crate) fn primary_key(name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut key = Index::create();
    key.name(name).primary();
    for &column in columns {
        key.col(column);
    }
    key
}

pub(crate) fn unique(name: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create().name(name).unique().col(column).take()
}

pub(crate) fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for &column in columns {
        index.col(column);
    }
    index
}

/// A reference to an account; what hangs onto an account goes with it.
pub(crate) fn user_reference(name: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(name).from(table, "user_id").to("users", "id").on_delete(ForeignKeyAction::Cascade).take()
}
