use std::net::IpAddr;

use serde::Serialize;
use usher_domain::{Session, SessionId, Timestamp};
use utoipa::ToSchema;

use super::Page;

/// A login on one device, that has not ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01900000-0000-7000-8000-000000000002",
    "created_at": "2030-01-01T12:00:00.000000Z",
    "last_used_at": "2030-01-03T08:30:00.000000Z",
    "expires_at": "2030-01-31T12:00:00.000000Z",
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "current": true,
}))]
pub(crate) struct SessionRead<'a> {
    /// `session_id` where tokens are answered, `sid` in access tokens.
    #[schema(value_type = String, format = "uuid")]
    id: SessionId,
    /// When its owner signed in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its tokens were last renewed.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    /// When it ends, however often it is renewed. It ends before that if it is not renewed for long.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// From which address its owner signed in.
    #[schema(value_type = Option<String>, required)]
    ip: Option<IpAddr>,
    /// With which program.
    #[schema(required)]
    user_agent: Option<&'a str>,
    /// Whether the request that asks is of this session.
    current: bool,
}

impl<'a> SessionRead<'a> {
    /// All sessions of somebody, as whoever asks through this one sees them.
    pub(crate) fn page(sessions: &'a [Session], asking: Option<SessionId>) -> Page<Self> {
        Page::whole(sessions.iter().map(|session| Self::of(session, asking)).collect())
    }

    pub(super) fn of(session: &'a Session, asking: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            ip: session.ip,
            user_agent: session.user_agent.as_deref(),
            current: asking == Some(session.id),
        }
    }
}
