//! Keys that take turns: published before one signs, kept until the last token that it signed is gone.

use std::time::Duration;

use usher_domain::{Action, ActivityEntry, ActivityId, Actor, Details, KeyState, SigningKeyRecord, Timestamp};
use usher_storage::StorageError;

use super::{LEEWAY, TokenError, TokenIssuer, new_key, seal::Sealer};
use crate::MasterKey;

/// How long before it signs a key is published: other services may keep the key set for five minutes,
/// and processes of ours take up to one to follow.
const PUBLISHED_AHEAD: Duration = Duration::from_secs(15 * 60);

/// How long a process that has not noticed yet may go on signing with a key that has had its turn.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(60);

/// How often a change is tried that others are in the way of.
const ATTEMPTS: u32 = 5;

/// What the keys become, and what the activity log says of it. None: they are as they should be.
type Next = Option<(Vec<SigningKeyRecord>, Option<ActivityEntry>)>;

impl TokenIssuer {
    /// Does what is due: publishes the next key, lets it sign, drops keys whose last token is gone; and
    /// follows what other processes did. For a job that runs several times a minute, in any number of
    /// processes.
    ///
    /// # Errors
    /// [`TokenError`]; then the keys are as before.
    pub async fn keep_keys(&self) -> Result<(), TokenError> {
        self.change_keys(|keys, now| self.due(keys, now)).await?;
        self.reload().await
    }

    /// Begins a rotation ahead of time: the next key is published now, and signs a quarter of an hour
    /// later, by then through [`keep_keys`](Self::keep_keys). Where one is published already nothing
    /// changes.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn rotate_keys(&self) -> Result<(), TokenError> {
        let publish = |keys: &[SigningKeyRecord], now| -> Result<Next, TokenError> {
            if keys.iter().any(is_next) {
                return Ok(None);
            }
            Ok(Some((keys.iter().cloned().chain([self.next_key(now)?]).collect(), None)))
        };
        self.change_keys(publish).await?;
        self.reload().await
    }

    /// Makes a new key at once and drops all others: every access token so far is worthless. For a key
    /// that has leaked.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn replace_keys(&self) -> Result<(), TokenError> {
        self.change_keys(|keys, now| self.fresh_start(keys, now, &self.sealer)).await?;
        self.reload().await
    }

    /// Goes over to another master key, with a new signing key and no other. This issuer, and every
    /// other that was opened with the old master key, is of no use afterwards.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn reseal_keys(self, master_key: &MasterKey) -> Result<(), TokenError> {
        let sealer = Sealer::new(master_key)?;
        self.change_keys(|keys, now| self.fresh_start(keys, now, &sealer)).await
    }

    async fn change_keys(
        &self,
        change: impl Fn(&[SigningKeyRecord], Timestamp) -> Result<Next, TokenError>,
    ) -> Result<(), TokenError> {
        for _ in 0..ATTEMPTS {
            let keys = self.store.signing_keys().await?;
            let Some((new, entry)) = change(&keys, self.environment.clock.now())? else { return Ok(()) };
            if self.store.signing_keys_replace(&keys, &new, entry.as_ref()).await? {
                return Ok(());
            }
        }
        Err(StorageError::Contention.into())
    }

    fn due(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Result<Next, TokenError> {
        let is_kept = |key: &&SigningKeyRecord| key.retires_at.is_none_or(|end| now < end);
        let mut new: Vec<_> = keys.iter().filter(is_kept).cloned().collect();
        let entry = self.change_turns(&mut new, now);
        if self.is_rotation_due(&new, now) {
            new.push(self.next_key(now)?);
        }
        Ok((new != keys).then_some((new, entry)))
    }

    /// Lets the next key sign, if its time has come.
    fn change_turns(&self, keys: &mut [SigningKeyRecord], now: Timestamp) -> Option<ActivityEntry> {
        let kid = keys.iter().find(|key| is_next(key) && key.activates_at <= now)?.kid.clone();
        let entry = self.entry(keys, &kid, now);
        for key in keys {
            if key.kid == kid {
                key.state = KeyState::Active;
                key.activates_at = now;
            } else if is_active(key) {
                key.state = KeyState::Retiring;
                key.retires_at = Some(now + self.settings.access_ttl + LEEWAY + FOLLOWED_WITHIN);
            }
        }
        Some(entry)
    }

    fn is_rotation_due(&self, keys: &[SigningKeyRecord], now: Timestamp) -> bool {
        let Some(turn) = self.settings.key_rotation else { return false };
        let is_over = |key: &SigningKeyRecord| key.activates_at + turn <= now + PUBLISHED_AHEAD;
        !keys.iter().any(is_next) && keys.iter().any(|key| is_active(key) && is_over(key))
    }

    fn next_key(&self, now: Timestamp) -> Result<SigningKeyRecord, TokenError> {
        new_key(self.settings.algorithm, &self.sealer, KeyState::Next, now, now + PUBLISHED_AHEAD)
    }

    fn fresh_start(&self, old: &[SigningKeyRecord], now: Timestamp, sealer: &Sealer) -> Result<Next, TokenError> {
        let key = new_key(self.settings.algorithm, sealer, KeyState::Active, now, now)?;
        let entry = self.entry(old, &key.kid, now);
        Ok(Some((vec![key], Some(entry))))
    }

    fn entry(&self, old: &[SigningKeyRecord], new: &str, now: Timestamp) -> ActivityEntry {
        let old = old.iter().find(|key| is_active(key)).map(|key| key.kid.as_str());
        let id = ActivityId::generate(&*self.environment.ids);
        let details = Details::default().with("old", old).with("new", new);
        ActivityEntry::by(&Actor::system(), Action::KeyRotated, id, now).with_details(details)
    }
}

fn is_next(key: &SigningKeyRecord) -> bool {
    key.state == KeyState::Next
}

fn is_active(key: &SigningKeyRecord) -> bool {
    key.state == KeyState::Active
}
