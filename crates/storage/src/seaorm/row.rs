//! From rows to values. Whatever cannot be read is [`StorageError::Corrupt`], with its place.

use sea_orm::{QueryResult, TryGetable};
use serde::Serialize;
use usher_domain::{Details, Timestamp};

use super::entities::Place;
use crate::{StorageError, StorageResult};

/// The columns of one table within a row. They are read by their place, which is faster than by
/// name, and lets tables stand side by side.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    result: &'r QueryResult,
    start: usize,
}

impl<'r> Row<'r> {
    /// The table whose first column is the row's column `start`.
    pub(super) fn new(result: &'r QueryResult, start: usize) -> Self {
        Self { result, start }
    }

    /// The value of a column.
    pub(super) fn get<T: TryGetable>(self, column: impl Place) -> StorageResult<T> {
        self.get_at(column.place(), column)
    }

    /// The value of a column that does not stand at its usual place.
    pub(super) fn get_at<T: TryGetable>(self, place: usize, column: impl Place) -> StorageResult<T> {
        self.result.try_get_by_index(self.start + place).map_err(|_| corrupt(column))
    }

    /// The value of a column that holds text, read by `parse`.
    pub(super) fn parse<T, F>(self, column: impl Place, parse: impl FnOnce(&str) -> Result<T, F>) -> StorageResult<T> {
        parse(&self.get::<String>(column)?).map_err(|_| corrupt(column))
    }

    /// The value of a column that may hold text, read by `parse`.
    pub(super) fn parse_optional<T, F>(
        self,
        column: impl Place,
        parse: impl FnOnce(&str) -> Result<T, F>,
    ) -> StorageResult<Option<T>> {
        self.get::<Option<String>>(column)?.as_deref().map(parse).transpose().map_err(|_| corrupt(column))
    }

    /// The JSON object in a column.
    pub(super) fn details(self, column: impl Place) -> StorageResult<Details> {
        let value = self.parse(column, |text| serde_json::from_str(text).map_err(drop))?;
        Details::from_stored(value).map_err(|_| corrupt(column))
    }

    /// The moment in a column.
    pub(super) fn time(self, column: impl Place) -> StorageResult<Timestamp> {
        self.get(column).map(Timestamp::from_micros)
    }

    /// The moment in a column, if there is one.
    pub(super) fn optional_time(self, column: impl Place) -> StorageResult<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_micros))
    }
}

/// That a column holds what no version of usher wrote.
pub(super) fn corrupt(column: impl Place) -> StorageError {
    StorageError::Corrupt { table: column.table(), column: column.as_str() }
}

/// JSON to rest in a text column.
pub(super) fn to_json(value: &impl Serialize) -> StorageResult<String> {
    serde_json::to_string(value).map_err(|error| StorageError::Backend(Box::new(error)))
}
