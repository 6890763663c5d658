use serde::Serialize;
use usher_domain::SessionId;
use usher_service::PersonalData;
use utoipa::ToSchema;

use super::{ActivityRead, SessionRead, UserRead};

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
