use std::net::IpAddr;

use serde::Serialize;
use usher_domain::{ActivityEntry, ActivityId, SessionId, Timestamp, UserId};
use usher_service::PersonalData;
use utoipa::ToSchema;

use super::{SessionRead, UserRead};

/// An entry of the activity log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01900000-0000-7000-8000-000000000004",
    "occurred_at": "2030-01-03T08:30:00.000000Z",
    "action": "auth.login",
    "outcome": "success",
    "actor_id": "01900000-0000-7000-8000-000000000001",
    "subject_id": "01900000-0000-7000-8000-000000000001",
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "request_id": "01900000-0000-7000-8000-000000000003",
    "details": { "session_id": "01900000-0000-7000-8000-000000000002" },
}))]
pub(crate) struct ActivityRead<'a> {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: ActivityId,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// What happened.
    action: &'static str,
    /// `success` or `failure`.
    outcome: &'static str,
    /// Who did it; nobody where it was the system, or nobody knows.
    #[schema(value_type = Option<String>, format = "uuid", required)]
    actor_id: Option<UserId>,
    /// Whom it is about.
    #[schema(value_type = Option<String>, format = "uuid", required)]
    subject_id: Option<UserId>,
    /// From which address.
    #[schema(value_type = Option<String>, required)]
    ip: Option<IpAddr>,
    /// With which program.
    #[schema(required)]
    user_agent: Option<&'a str>,
    /// In which request.
    #[schema(required)]
    request_id: Option<&'a str>,
    /// What else is known.
    #[schema(value_type = Object)]
    details: &'a serde_json::Map<String, serde_json::Value>,
}

impl<'a> From<&'a ActivityEntry> for ActivityRead<'a> {
    fn from(entry: &'a ActivityEntry) -> Self {
        Self {
            id: entry.id,
            occurred_at: entry.occurred_at,
            action: entry.action.as_str(),
            outcome: entry.outcome.as_str(),
            actor_id: entry.actor,
            subject_id: entry.subject,
            ip: entry.ip,
            user_agent: entry.user_agent.as_deref(),
            request_id: entry.request_id.as_ref().map(usher_domain::RequestId::as_str),
            details: entry.details.fields(),
        }
    }
}

/// Everything that is kept about somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "user": super::user::example(), "sessions": [], "activity": [] }))]
pub(crate) struct Export<'a> {
    /// The account.
    user: UserRead<'a>,
    /// Its sessions, the latest used first.
    sessions: Vec<SessionRead<'a>>,
    /// The entries of the activity log about it, newest first.
    activity: Vec<ActivityRead<'a>>,
}

impl<'a> Export<'a> {
    /// As whoever asks through this session sees it.
    pub(crate) fn of(data: &'a PersonalData, asking: Option<SessionId>) -> Self {
        Self {
            user: (&data.user).into(),
            sessions: data.sessions.iter().map(|session| SessionRead::of(session, asking)).collect(),
            activity: data.activity.iter().map(ActivityRead::from).collect(),
        }
    }
}
