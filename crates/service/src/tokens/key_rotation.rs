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

/// How often a change is tried again that others were in the way of.
const ATTEMPTS: u32 = 5;

impl TokenIssuer {
    /// All keys, by age.
    ///
    /// # Errors
    /// [`TokenError::Storage`].
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, TokenError> {
        Ok(self.store.signing_keys().await?)
    }

    /// Does what is due: publishes the next key, lets it sign, drops keys whose last token is gone; and
    /// follows what other processes did. For a job that runs several times a minute, in any number of
    /// processes.
    ///
    /// # Errors
    /// [`TokenError`]; then the keys are as before.
    pub async fn keep_keys(&self) -> Result<(), TokenError> {
        self.change_keys(|keys, now| self.due(keys, now)).await
    }

    /// Begins a rotation ahead of time: the next key is published now, and signs a quarter of an hour
    /// later, as far as [`keep_keys`](Self::keep_keys) is called. Where one is published already
    /// nothing changes.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn rotate_keys(&self) -> Result<(), TokenError> {
        self.change_keys(|keys, now| {
            if keys.iter().any(|key| key.state == KeyState::Next) {
                return Ok(None);
            }
            let next = self.next_key(now)?;
            Ok(Some((keys.iter().cloned().chain([next]).collect(), None)))
        })
        .await
    }

    /// Makes a new key at once and drops all others: every access token so far is worthless. For a key
    /// that has leaked.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn replace_keys(&self) -> Result<(), TokenError> {
        self.change_keys(|keys, now| {
            let key = new_key(self.settings.algorithm, &self.sealer, KeyState::Active, now, now)?;
            let entry = self.entry(now, keys, &key);
            Ok(Some((vec![key], Some(entry))))
        })
        .await
    }

    /// Goes over to another master key: a new signing key under the new one, and no other. This issuer
    /// is of no use afterwards.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn reseal_keys(&self, master_key: &MasterKey) -> Result<(), TokenError> {
        let sealer = Sealer::new(master_key)?;
        let changed = self.try_to_change_keys(|keys, now| {
            let key = new_key(self.settings.algorithm, &sealer, KeyState::Active, now, now)?;
            let entry = self.entry(now, keys, &key);
            Ok(Some((vec![key], Some(entry))))
        });
        changed.await
    }

    async fn change_keys(
        &self,
        change: impl Fn(&[SigningKeyRecord], Timestamp) -> Result<Option<NewKeys>, TokenError>,
    ) -> Result<(), TokenError> {
        self.try_to_change_keys(change).await?;
        self.reload().await
    }

    async fn try_to_change_keys(
        &self,
        change: impl Fn(&[SigningKeyRecord], Timestamp) -> Result<Option<NewKeys>, TokenError>,
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

    /// The keys as they should be by now; none if they are.
    fn due(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Result<Option<NewKeys>, TokenError> {
        let mut new: Vec<_> = keys.iter().filter(|key| key.retires_at.is_none_or(|end| now < end)).cloned().collect();
        let mut entry = None;
        if let Some(kid) = new.iter().find(|key| is_next(key) && key.activates_at <= now).map(|key| key.kid.clone()) {
            let retires_at = now + self.settings.access_ttl + LEEWAY + FOLLOWED_WITHIN;
            for key in &mut new {
                if key.kid == kid {
                    key.state = KeyState::Active;
                    key.activates_at = now;
                    entry = Some(self.entry(now, keys, key));
                } else if key.state == KeyState::Active {
                    key.state = KeyState::Retiring;
                    key.retires_at = Some(retires_at);
                }
            }
        }
        if self.is_rotation_due(&new, now) {
            new.push(self.next_key(now)?);
        }
        Ok((new != keys).then_some((new, entry)))
    }

    fn is_rotation_due(&self, keys: &[SigningKeyRecord], now: Timestamp) -> bool {
        let Some(turn) = self.settings.key_rotation else { return false };
        let active = keys.iter().find(|key| key.state == KeyState::Active);
        !keys.iter().any(is_next) && active.is_some_and(|key| key.activates_at + turn <= now + PUBLISHED_AHEAD)
    }

    fn next_key(&self, now: Timestamp) -> Result<SigningKeyRecord, TokenError> {
        new_key(self.settings.algorithm, &self.sealer, KeyState::Next, now, now + PUBLISHED_AHEAD)
    }

    fn entry(&self, now: Timestamp, old: &[SigningKeyRecord], new: &SigningKeyRecord) -> ActivityEntry {
        let old = old.iter().find(|key| key.state == KeyState::Active).map(|key| key.kid.as_str());
        let id = ActivityId::generate(&*self.environment.ids);
        ActivityEntry::by(&Actor::system(), Action::KeyRotated, id, now)
            .with_details(Details::default().with("old", old).with("new", new.kid.as_str()))
    }
}

/// What the keys become, and what the activity log says of it.
type NewKeys = (Vec<SigningKeyRecord>, Option<ActivityEntry>);

fn is_next(key: &SigningKeyRecord) -> bool {
    key.state == KeyState::Next
}
