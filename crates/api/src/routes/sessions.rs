use actix_web::http::StatusCode;
use usher_domain::{Actor, SessionId, UserId};

use super::State;
use crate::{
    ApiState,
    dto::{Page, SessionRead},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{CurrentUser, PathId},
    openapi::{Caller, Operation, Tag},
};

pub(super) fn list_my_sessions_docs() -> Operation {
    Operation::new::<Page<SessionRead<'_>>>(Tag::OwnAccount, "One's own sessions", StatusCode::OK)
        .describes("Where one is signed in, the latest used first; all of them on one page.")
        .needs(Caller::Settled)
}

pub(super) async fn list_my_sessions(state: State, caller: CurrentUser) -> Result<Answer, ApiError> {
    let id = caller.actor.user_id().ok_or_else(|| ApiError::unauthenticated(true))?;
    list(&state, &caller.actor, id).await
}

pub(super) fn end_my_session_docs() -> Operation {
    Operation::without_data(Tag::OwnAccount, "Sign out one of one's own sessions")
        .describes("Its tokens are good no more. The current one can be ended too.")
        .needs(Caller::Settled)
        .with_session_id()
}

pub(super) async fn end_my_session(
    state: State,
    PathId(id): PathId<SessionId>,
    caller: CurrentUser,
) -> Result<Answer, ApiError> {
    state.sessions.end(&caller.actor, id).await?;
    Answer::ok(&())
}

pub(super) fn list_sessions_docs() -> Operation {
    Operation::new::<Page<SessionRead<'_>>>(Tag::Users, "Somebody's sessions", StatusCode::OK)
        .describes("Needs `users:read`, unless they are one's own. The latest used first; all of them on one page.")
        .needs(Caller::Settled)
        .with_user_id()
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn list_sessions(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser,
) -> Result<Answer, ApiError> {
    list(&state, &caller.actor, id).await
}

pub(super) fn end_sessions_docs() -> Operation {
    Operation::without_data(Tag::Users, "Sign somebody out everywhere")
        .describes(
            "All sessions end, and every access token so far. Needs `users:write` and everything that the account may \
             do.",
        )
        .needs(Caller::Settled)
        .with_user_id()
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn end_sessions(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser,
) -> Result<Answer, ApiError> {
    state.sessions.end_all(&caller.actor, id).await?;
    Answer::ok(&())
}

async fn list(state: &ApiState, actor: &Actor, id: UserId) -> Result<Answer, ApiError> {
    let sessions = state.sessions.list(actor, id).await?;
    Answer::ok(&SessionRead::page(&sessions, actor.session()))
}
