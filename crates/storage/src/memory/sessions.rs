use std::{collections::BTreeSet, net::IpAddr};

use async_trait::async_trait;
use usher_domain::{Revocation, Rotation, Session, SessionId, Timestamp, UserId, UserInDB};

use super::{MemoryBackend, Open, View, least};
use crate::{SessionQueries, SessionWrites, StorageResult};

#[async_trait]
impl<V: View> SessionQueries for MemoryBackend<V> {
    async fn session_with_user(&self, id: SessionId) -> StorageResult<Option<(Session, UserInDB)>> {
        self.view.read(|state| {
            let session = state.sessions.get(&id)?;
            let user = state.users.get(&session.user_id)?;
            Some((session.clone(), state.with_permissions(user)))
        })
    }

    async fn session_addresses(&self, user: UserId, since: Timestamp) -> StorageResult<BTreeSet<IpAddr>> {
        let his = |session: &&Session| session.user_id == user && session.created_at >= since;
        self.view.read(|state| state.sessions.values().filter(his).filter_map(|session| session.ip).collect())
    }

    async fn session_by_user(&self, user: UserId) -> StorageResult<Vec<Session>> {
        let listed = |session: &&Session| session.user_id == user && session.revoked.is_none();
        let mut sessions: Vec<_> = self.view.read(|state| state.sessions.values().filter(listed).cloned().collect())?;
        sessions.sort_by_key(|session| std::cmp::Reverse((session.last_used_at, session.id)));
        Ok(sessions)
    }
}

#[async_trait]
impl SessionWrites for MemoryBackend<Open> {
    async fn session_insert(&self, session: &Session) -> StorageResult<()> {
        self.view.write(|state| {
            state.check_user(Some(session.user_id))?;
            state.sessions.insert(session.id, session.clone());
            Ok(())
        })
    }

    async fn session_rotate(&self, id: SessionId, rotation: Rotation) -> StorageResult<bool> {
        let guard = |session: &&mut Session| session.generation == rotation.from && session.is_live(rotation.at);
        self.view.write(|state| {
            let Some(session) = state.sessions.get_mut(&id).filter(guard) else { return Ok(false) };
            *session = session.clone().rotated(rotation);
            Ok(true)
        })
    }

    async fn session_revoke(&self, id: SessionId, revocation: Revocation) -> StorageResult<bool> {
        self.view.write(|state| {
            let live = state.sessions.get_mut(&id).filter(|session| session.revoked.is_none());
            Ok(live.map(|session| session.revoked = Some(revocation)).is_some())
        })
    }

    async fn session_revoke_all(
        &self,
        user: UserId,
        except: Option<SessionId>,
        revocation: Revocation,
    ) -> StorageResult<Vec<SessionId>> {
        let meant =
            |session: &&mut Session| session.user_id == user && session.revoked.is_none() && Some(session.id) != except;
        let end = |session: &mut Session| {
            session.revoked = Some(revocation);
            session.id
        };
        self.view.write(|state| Ok(state.sessions.values_mut().filter(meant).map(end).collect()))
    }

    async fn session_revoke_everybodys(&self, revocation: Revocation) -> StorageResult<u64> {
        self.view.write(|state| {
            let live = state.sessions.values_mut().filter(|session| session.revoked.is_none());
            Ok(live.map(|session| session.revoked = Some(revocation)).count() as u64)
        })
    }

    async fn session_delete_expired(&self, before: Timestamp, most: u64) -> StorageResult<u64> {
        self.view.write(|state| {
            let expired = state.sessions.values().filter(|session| session.expires_at < before);
            let expired = least(expired.map(|session| (session.expires_at, session.id)), most);
            for (_, id) in &expired {
                state.sessions.remove(id);
            }
            Ok(expired.len() as u64)
        })
    }
}
