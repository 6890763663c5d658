use actix_web::http::StatusCode;
use usher_domain::UserId;

use super::State;
use crate::{
    dto::{AdminUserCreate, UserRead},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{CurrentUser, PathId, ValidJson},
    openapi::{Caller, Operation, Tag},
};

pub(super) fn create_user_docs() -> Operation {
    Operation::new::<UserRead<'_>>(Tag::Users, "Make an account for somebody else", StatusCode::CREATED)
        .describes("Needs `users:write`; naming roles needs `roles:assign` and everything that the roles give.")
        .needs(Caller::Settled)
        .takes::<AdminUserCreate>()
        .versioned()
        .locates()
        .refuses(&[
            ErrorCode::Forbidden,
            ErrorCode::UsernameTaken,
            ErrorCode::EmailTaken,
            ErrorCode::ExternalIdTaken,
            ErrorCode::WeakPassword,
            ErrorCode::Busy,
        ])
}

pub(super) async fn create_user(
    state: State,
    caller: CurrentUser<ValidJson<AdminUserCreate>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    let user = state.users.create_user(&actor, body.into()).await?;
    let location = format!("{}/users/{}", state.settings.base_path, user.id);
    Answer::created(&UserRead::from(&user), &location)?.with_version(user.version)
}

pub(super) fn get_user_docs() -> Operation {
    Operation::new::<UserRead<'_>>(Tag::Users, "One account", StatusCode::OK)
        .describes("One's own is open to everybody, others need `users:read`, deleted ones `users:delete` as well.")
        .needs(Caller::Settled)
        .with_user_id()
        .versioned()
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn get_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser,
) -> Result<Answer, ApiError> {
    let user = state.users.get_by_id(&caller.actor, id).await?;
    Answer::ok(&UserRead::from(&user))?.with_version(user.version)
}
