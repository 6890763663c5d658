use std::{
    fs::{File, TryLockError},
    path::Path,
};

use crate::{private_file, start_error::StartError};

/// The right to serve a SQLite file: one process has it, until it ends.
#[derive(Debug)]
pub(crate) struct ServeLock {
    _held: File,
}

impl ServeLock {
    /// Takes it, or says that another process has it.
    pub(crate) fn take(database: &Path) -> Result<Self, StartError> {
        let path = private_file::beside(database, ".lock");
        let file = private_file::open(&path).map_err(|source| StartError::File { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(StartError::AlreadyServed(path)),
            Err(TryLockError::Error(source)) => Err(StartError::File { path, source }),
        }
    }
}
