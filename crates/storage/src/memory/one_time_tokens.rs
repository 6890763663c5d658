use std::cmp::Reverse;

use async_trait::async_trait;
use usher_domain::{OneTimeToken, OneTimeTokenId, Timestamp, TokenHash, TokenKind, UserId};

use super::{MemoryBackend, Open, View, least};
use crate::{OneTimeTokenQueries, OneTimeTokenWrites, StorageError, StorageResult};

#[async_trait]
impl<V: View> OneTimeTokenQueries for MemoryBackend<V> {
    async fn one_time_token_by_hash(&self, hash: &TokenHash) -> StorageResult<Option<OneTimeToken>> {
        self.view.read(|state| state.one_time_tokens.values().find(|token| token.hash == *hash).cloned())
    }

    async fn one_time_token_by_id(&self, id: OneTimeTokenId) -> StorageResult<Option<OneTimeToken>> {
        self.view.read(|state| state.one_time_tokens.get(&id).cloned())
    }
}

#[async_trait]
impl OneTimeTokenWrites for MemoryBackend<Open> {
    async fn one_time_token_insert(&self, token: &OneTimeToken) -> StorageResult<()> {
        self.view.write(|state| {
            state.check_user(token.purpose.user())?;
            if state.one_time_tokens.values().any(|other| other.id == token.id || other.hash == token.hash) {
                return Err(StorageError::Backend("the id or the hash of the token is taken".into()));
            }
            state.one_time_tokens.insert(token.id, token.clone());
            Ok(())
        })
    }

    async fn one_time_token_consume(&self, hash: &TokenHash, now: Timestamp) -> StorageResult<Option<OneTimeToken>> {
        self.view.write(|state| {
            let good = |token: &&OneTimeToken| token.hash == *hash && token.is_valid(now);
            let id = state.one_time_tokens.values().find(good).map(|token| token.id);
            Ok(id.and_then(|id| state.one_time_tokens.remove(&id)))
        })
    }

    async fn one_time_token_void(&self, user: UserId, kind: Option<TokenKind>, kept: usize) -> StorageResult<()> {
        let meant = |token: &&OneTimeToken| {
            token.purpose.user() == Some(user) && kind.is_none_or(|kind| kind == token.purpose.kind())
        };
        self.view.write(|state| {
            let mut tokens: Vec<_> =
                state.one_time_tokens.values().filter(meant).map(|token| (token.created_at, token.id)).collect();
            tokens.sort_by_key(|place| Reverse(*place));
            for (_, id) in tokens.into_iter().skip(kept) {
                state.one_time_tokens.remove(&id);
            }
            Ok(())
        })
    }

    async fn one_time_token_delete_expired(&self, now: Timestamp, most: u64) -> StorageResult<u64> {
        self.view.write(|state| {
            let expired = state.one_time_tokens.values().filter(|token| !token.is_valid(now));
            let expired = least(expired.map(|token| (token.expires_at, token.id)), most);
            for (_, id) in &expired {
                state.one_time_tokens.remove(id);
            }
            Ok(expired.len() as u64)
        })
    }

    async fn one_time_token_delete_everybodys(&self) -> StorageResult<u64> {
        self.view.write(|state| Ok(std::mem::take(&mut state.one_time_tokens).len() as u64))
    }
}
