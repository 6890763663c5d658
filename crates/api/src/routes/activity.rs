use actix_web::http::StatusCode;
use usher_domain::{Actor, UserId};

use super::State;
use crate::{
    ApiState,
    dto::{ActivityListQuery, ActivityRead, Page, UserActivityQuery},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{CurrentUser, PathId, ValidQuery},
    openapi::{Caller, Operation, Tag},
};

pub(super) fn list_activity_docs() -> Operation {
    docs_of_list(Tag::Activity, "What happened, in pages")
        .describes("Needs `activity:read`. Newest first; everything that is asked for must hold.")
        .with_parameters(ActivityListQuery::parameters())
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn list_activity(
    state: State,
    caller: CurrentUser<ValidQuery<ActivityListQuery>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidQuery(query) } = caller;
    list(&state, &actor, &query).await
}

pub(super) fn list_user_activity_docs() -> Operation {
    docs_of_list(Tag::Activity, "What happened to somebody, in pages")
        .describes(
            "Needs `activity:read`, unless it is oneself. Newest first. What is left of somebody who was deleted for \
             good are entries with his id.",
        )
        .with_user_id()
        .with_parameters(UserActivityQuery::parameters())
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn list_user_activity(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<ValidQuery<UserActivityQuery>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidQuery(query) } = caller;
    list(&state, &actor, &query.about(id)).await
}

pub(super) fn list_my_activity_docs() -> Operation {
    docs_of_list(Tag::OwnAccount, "What happened to oneself, in pages")
        .describes("Newest first.")
        .with_parameters(UserActivityQuery::parameters())
}

pub(super) async fn list_my_activity(
    state: State,
    caller: CurrentUser<ValidQuery<UserActivityQuery>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidQuery(query) } = caller;
    let id = actor.user_id().ok_or_else(|| ApiError::unauthenticated(true))?;
    list(&state, &actor, &query.about(id)).await
}

async fn list(state: &ApiState, actor: &Actor, query: &ActivityListQuery) -> Result<Answer, ApiError> {
    let list = state.activity.list(actor, &query.filter, query.place()?, query.size, query.with_total).await?;
    Answer::ok(&query.page(&list)?)
}

fn docs_of_list(tag: Tag, summary: &'static str) -> Operation {
    Operation::new::<Page<ActivityRead<'_>>>(tag, summary, StatusCode::OK)
        .needs(Caller::Settled)
        .refuses(&[ErrorCode::InvalidCursor])
}
