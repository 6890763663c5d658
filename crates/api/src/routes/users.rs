use actix_web::http::StatusCode;
use usher_domain::{Actor, User, UserId};
use usher_service::{RegistrationError, SignUpOutcome, UserPatch};

use super::State;
use crate::{
    ApiSettings, ApiState,
    dto::{
        AdminUserCreate, AdminUserUpdateFull, AdminUserUpdatePartial, Deletion, Page, PasswordAssignment,
        RoleAssignment, StatusChange, UserCreate, UserListQuery, UserRead,
    },
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{Client, CurrentUser, IfMatch, OptionalJson, PathId, ValidJson, ValidQuery},
    openapi::{Caller, Operation, Scheme, Tag},
};

pub(super) fn list_users_docs() -> Operation {
    Operation::new::<Page<UserRead<'_>>>(Tag::Users, "Accounts, in pages", StatusCode::OK)
        .describes("Needs `users:read`. Everything that is asked for must hold.")
        .needs(Caller::Settled)
        .with_parameters(UserListQuery::parameters())
        .refuses(&[ErrorCode::Forbidden, ErrorCode::InvalidCursor])
}

pub(super) async fn list_users(
    state: State,
    caller: CurrentUser<ValidQuery<UserListQuery>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidQuery(query) } = caller;
    let list = state.users.list_users(&actor, &query.filter, &query.order, query.size, query.with_total).await?;
    Answer::ok(&query.page(&list)?)
}

pub(super) fn create_user_docs() -> Operation {
    Operation::new::<UserRead<'_>>(Tag::Users, "Make an account", StatusCode::CREATED)
        .describes(
            "For somebody else: needs `users:write`; naming roles needs `roles:assign` and everything that the roles \
             give. Without a password an invitation to choose one is mailed to the address. Without `Authorization` \
             it is an account for oneself, as with a sign-up, but nobody is signed in: the body is `username`, \
             `password`, and if there is one `email` and `full_name`; no other field is accepted. Where nobody can \
             sign up, that is 401. Where addresses are proven first it is 202, the address must be there and the \
             password need not.",
        )
        .needs(Caller::Settled)
        .may_show(&[Scheme::Bearer])
        .takes::<AdminUserCreate>()
        .may_be_accepted()
        .versioned()
        .locates()
        .refuses(&[
            ErrorCode::Forbidden,
            ErrorCode::UsernameTaken,
            ErrorCode::EmailTaken,
            ErrorCode::ExternalIdTaken,
            ErrorCode::WeakPassword,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
        ])
}

pub(super) async fn create_user(
    state: State,
    caller: CurrentUser<ValidJson<AdminUserCreate>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    let user = state.users.create_user(&actor, body.into()).await?;
    made(&user, &state.settings)
}

/// The same for somebody who is not signed in, and makes the account for himself.
pub(super) async fn register(
    state: State,
    Client(client): Client,
    ValidJson(body): ValidJson<UserCreate>,
) -> Result<Answer, ApiError> {
    match state.registration.register(body.into(), &client).await {
        Ok(SignUpOutcome::Made(user)) => made(&user, &state.settings),
        Ok(SignUpOutcome::Pending) => Answer::accepted(),
        // Then accounts are made by whoever may, and he is signed in.
        Err(RegistrationError::Closed) => Err(ApiError::unauthenticated(false)),
        Err(error) => Err(error.into()),
    }
}

fn made(user: &User, settings: &ApiSettings) -> Result<Answer, ApiError> {
    Answer::created(&UserRead::from(user), &location_of(user, settings))?.with_version(user.version)
}

/// The path of an account.
pub(super) fn location_of(user: &User, settings: &ApiSettings) -> String {
    format!("{}/users/{}", settings.base_path, user.id)
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
    shown(&user)
}

pub(super) fn replace_user_docs() -> Operation {
    docs_of_update("Change an account as a whole").takes::<AdminUserUpdateFull>()
}

pub(super) async fn replace_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<ValidJson<AdminUserUpdateFull>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    update(&state, &actor, id, &body.into(), &condition).await
}

pub(super) fn update_user_docs() -> Operation {
    docs_of_update("Change something about an account").takes::<AdminUserUpdatePartial>()
}

pub(super) async fn update_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<ValidJson<AdminUserUpdatePartial>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    update(&state, &actor, id, &body.into(), &condition).await
}

fn docs_of_update(summary: &'static str) -> Operation {
    Operation::new::<UserRead<'_>>(Tag::Users, summary, StatusCode::OK)
        .describes(
            "Needs `users:write` and everything that the account may do. One's own is open to everybody, but without \
             `users:write` only the username and the full name may differ from what is there, and the address never. \
             What changes nothing raises no version.",
        )
        .needs(Caller::Settled)
        .with_user_id()
        .conditional()
        .versioned()
        .refuses(&[
            ErrorCode::Forbidden,
            ErrorCode::UsernameTaken,
            ErrorCode::EmailTaken,
            ErrorCode::ExternalIdTaken,
            ErrorCode::CannotTargetSelf,
            ErrorCode::WrongStatus,
        ])
}

/// Changes an account, and shows it as it then is.
pub(super) async fn update(
    state: &ApiState,
    actor: &Actor,
    id: UserId,
    patch: &UserPatch,
    condition: &IfMatch,
) -> Result<Answer, ApiError> {
    let change = async |version| state.users.update_user(actor, id, patch.clone(), version).await;
    shown(&condition.guard(change).await?)
}

pub(super) fn set_roles_docs() -> Operation {
    docs_of_change(Operation::new::<UserRead<'_>>(
        Tag::Users,
        "Give an account these roles and no others",
        StatusCode::OK,
    ))
    .describes(
        "Needs `roles:assign`, everything that the account may do, and everything that the roles give which it \
             gets or loses. Its access tokens end: the next ones carry the new roles.",
    )
    .takes::<RoleAssignment>()
    .conditional()
    .versioned()
    .refuses(&[ErrorCode::LastAdmin])
}

pub(super) async fn set_roles(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<ValidJson<RoleAssignment>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    let change = async |version| state.users.set_roles(&actor, id, &body.roles, version).await;
    shown(&condition.guard(change).await?)
}

pub(super) fn delete_user_docs() -> Operation {
    docs_of_change(Operation::without_data(Tag::Users, "Delete an account"))
        .describes(
            "Softly, unless `permanent` says otherwise: out of sight, its names taken, its sessions ended, to be \
             restored for a while. Needs `users:delete`, or `users:purge` to delete for ever, which works from any \
             status; and everything that the account may do.",
        )
        .with_parameters(Deletion::parameters())
        .conditional()
        .refuses(&[ErrorCode::LastAdmin])
}

pub(super) async fn delete_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<ValidQuery<Deletion>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidQuery(Deletion { permanent }) } = caller;
    if permanent {
        condition.guard(async |version| state.users.purge_user(&actor, id, version).await).await?;
    } else {
        condition.guard(async |version| state.users.delete_user(&actor, id, version).await).await?;
    }
    Answer::ok(&())
}

pub(super) fn deactivate_user_docs() -> Operation {
    docs_of_step("Shut an account, reversibly")
        .describes(
            "Its names stay taken, its sessions end. Needs `users:write` and everything that the account may do.",
        )
        .refuses(&[ErrorCode::LastAdmin])
}

pub(super) async fn deactivate_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<OptionalJson<StatusChange>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: OptionalJson(body) } = caller;
    shown(&state.users.deactivate_user(&actor, id, body.unwrap_or_default().reason).await?)
}

pub(super) fn activate_user_docs() -> Operation {
    docs_of_step("Open an account that was shut")
        .describes("Sessions that ended stay ended. Needs `users:write` and everything that the account may do.")
}

pub(super) async fn activate_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<OptionalJson<StatusChange>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: OptionalJson(body) } = caller;
    shown(&state.users.activate_user(&actor, id, body.unwrap_or_default().reason).await?)
}

pub(super) fn restore_user_docs() -> Operation {
    docs_of_step("Bring back an account that was softly deleted").describes(
        "As it was: one that was deactivated is so again. Needs `users:delete` and everything that the account may do.",
    )
}

pub(super) async fn restore_user(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<OptionalJson<StatusChange>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: OptionalJson(body) } = caller;
    shown(&state.users.restore_user(&actor, id, body.unwrap_or_default().reason).await?)
}

fn docs_of_step(summary: &'static str) -> Operation {
    docs_of_change(Operation::new::<UserRead<'_>>(Tag::Users, summary, StatusCode::OK))
        .may_take::<StatusChange>()
        .versioned()
}

pub(super) fn set_password_docs() -> Operation {
    docs_of_change(Operation::without_data(Tag::Users, "Set somebody else's password"))
        .describes(
            "He must change it at his next login, and all his sessions end. Needs `users:write` and everything that \
             the account may do.",
        )
        .takes::<PasswordAssignment>()
        .refuses(&[ErrorCode::WeakPassword, ErrorCode::Busy])
}

pub(super) async fn set_password(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser<ValidJson<PasswordAssignment>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    state.users.set_password(&actor, id, body.new_password).await?;
    Answer::ok(&())
}

pub(super) fn send_reset_docs() -> Operation {
    docs_of_change(Operation::accepted(Tag::Users, "Mail somebody else a link to set another password with")).describes(
        "Or, if he was invited and has none yet, another invitation. Where no mail is sent that is 409. Needs \
         `users:write` and everything that the account may do.",
    )
}

pub(super) async fn send_reset(
    state: State,
    PathId(id): PathId<UserId>,
    caller: CurrentUser,
) -> Result<Answer, ApiError> {
    state.users.send_reset(&caller.actor, id).await?;
    Answer::accepted()
}

/// What is documented of everything that is done to somebody else.
fn docs_of_change(operation: Operation) -> Operation {
    operation.needs(Caller::Settled).with_user_id().refuses(&[
        ErrorCode::Forbidden,
        ErrorCode::CannotTargetSelf,
        ErrorCode::WrongStatus,
    ])
}

fn shown(user: &User) -> Result<Answer, ApiError> {
    Answer::ok(&UserRead::from(user))?.with_version(user.version)
}
