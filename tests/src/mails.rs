use std::{fs, path::Path, time::Duration};

/// How often a folder is looked into before a mail is given up, and how long in between: half a minute.
const ATTEMPTS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// A mail as it was written into a file.
#[derive(Debug, Clone)]
pub struct TestMail {
    /// Which one it is, such as `reset_password`.
    pub kind: String,
    /// All of it.
    pub content: String,
}

impl TestMail {
    /// The lines of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<&str> {
        let (head, _) = self.content.split_once("\n\n").unwrap();
        head.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect()
    }

    /// To whom.
    #[must_use]
    pub fn to(&self) -> &str {
        self.header("To")[0]
    }

    /// The token of its link.
    #[must_use]
    pub fn token(&self) -> &str {
        let (_, rest) = self.content.split_once("#token=").unwrap();
        rest.split_whitespace().next().unwrap()
    }
}

/// What a folder holds, the earliest first.
pub(crate) fn in_folder(folder: &Path) -> Vec<TestMail> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".eml"));
    names.sort();
    let read = |name: String| TestMail {
        kind: name.split('-').nth(1).unwrap().to_owned(),
        content: fs::read_to_string(folder.join(&name)).unwrap().replace("\r\n", "\n"),
    };
    names.into_iter().map(read).collect()
}

/// The latest mail of this kind to this address, once so many have come.
pub(crate) async fn wait_for(folder: &Path, to: &str, kind: &str, count: usize) -> TestMail {
    for _ in 0..ATTEMPTS {
        let mut mails = in_folder(folder);
        mails.retain(|mail| mail.kind == kind && mail.to() == to);
        if mails.len() >= count {
            return mails.pop().unwrap();
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("no {kind} number {count} to {to} among {:?}", in_folder(folder));
}
