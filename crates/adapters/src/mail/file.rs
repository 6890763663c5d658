use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use tokio::task::spawn_blocking;
use usher_service::{Mail, MailError, Mailer};

use super::{MailFrom, message::message};

/// Puts mails into a folder, each in a file of its own, for development and for programs that collect
/// them there. On Unix nobody else may read the files.
pub struct FileMailer {
    folder: PathBuf,
    from: MailFrom,
}

impl FileMailer {
    /// Makes the folder if it is not there; on Unix it is then open to nobody else.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(folder: impl Into<PathBuf>, from: MailFrom) -> io::Result<Self> {
        let folder = folder.into();
        make(&folder)?;
        Ok(Self { folder, from })
    }

    /// `<time>-<kind>-<id>.eml`: names sort as the mails were asked for, and the same mail has the same.
    fn path(&self, mail: &Mail) -> PathBuf {
        let time = mail.date.to_string().replace(['-', ':'], "");
        let seconds = time.split('.').next().unwrap_or_default();
        self.folder.join(format!("{seconds}Z-{}-{}.eml", mail.kind, mail.id))
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message(mail, &self.from).map_err(|error| MailError(Box::new(error)))?;
        let (folder, path) = (self.folder.clone(), self.path(mail));
        let written = spawn_blocking(move || write(&folder, &path, &message.formatted())).await;
        let written = written.map_err(|error| MailError(Box::new(error)))?;
        written.map_err(|error| MailError(Box::new(error)))
    }
}

impl fmt::Debug for FileMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileMailer").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Under its name there is the whole file or none, also after a loss of power.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // On Unix of mode 0600.
    let mut file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}
