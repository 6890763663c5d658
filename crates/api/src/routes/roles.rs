use actix_web::http::StatusCode;
use usher_domain::{Actor, Role, RoleName};
use usher_service::RolePatch;

use super::State;
use crate::{
    ApiState,
    dto::{Page, PermissionRead, RoleCreate, RoleDeletion, RoleRead, RoleUpdateFull, RoleUpdatePartial},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{CurrentUser, IfMatch, PathId, ValidJson, ValidQuery},
    openapi::{Caller, Operation, Tag},
};

pub(super) fn list_roles_docs() -> Operation {
    Operation::new::<Page<RoleRead<'_>>>(Tag::Roles, "Roles", StatusCode::OK)
        .describes("Needs `roles:read`. By name; all of them on one page.")
        .needs(Caller::Settled)
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn list_roles(state: State, caller: CurrentUser) -> Result<Answer, ApiError> {
    let roles = state.roles.list(&caller.actor).await?;
    Answer::ok(&RoleRead::page(&roles))
}

pub(super) fn create_role_docs() -> Operation {
    Operation::new::<RoleRead<'_>>(Tag::Roles, "Make a role", StatusCode::CREATED)
        .describes(
            "Needs `roles:write` and everything that the role grants. Permissions beyond those of usher are for other \
             services, which find them in the access token. There can be 500 roles, and the names of all permissions \
             together can have 3.5 KiB.",
        )
        .needs(Caller::Settled)
        .takes::<RoleCreate>()
        .versioned()
        .locates()
        .refuses(&[ErrorCode::Forbidden, ErrorCode::RoleNameTaken])
}

pub(super) async fn create_role(state: State, caller: CurrentUser<ValidJson<RoleCreate>>) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    let role = state.roles.create(&actor, body.into()).await?;
    let location = format!("{}/roles/{}", state.settings.base_path, role.name);
    Answer::created(&RoleRead::from(&role), &location)?.with_version(role.version)
}

pub(super) fn get_role_docs() -> Operation {
    docs_of_role(Operation::new::<RoleRead<'_>>(Tag::Roles, "One role", StatusCode::OK))
        .describes("Needs `roles:read`.")
        .versioned()
}

pub(super) async fn get_role(
    state: State,
    PathId(name): PathId<RoleName>,
    caller: CurrentUser,
) -> Result<Answer, ApiError> {
    shown(&state.roles.get(&caller.actor, &name).await?)
}

pub(super) fn replace_role_docs() -> Operation {
    docs_of_update("Change a role as a whole").takes::<RoleUpdateFull>()
}

pub(super) async fn replace_role(
    state: State,
    PathId(name): PathId<RoleName>,
    caller: CurrentUser<ValidJson<RoleUpdateFull>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    update(&state, &actor, &name, &body.of(&name)?, &condition).await
}

pub(super) fn update_role_docs() -> Operation {
    docs_of_update("Change something about a role").takes::<RoleUpdatePartial>()
}

pub(super) async fn update_role(
    state: State,
    PathId(name): PathId<RoleName>,
    caller: CurrentUser<ValidJson<RoleUpdatePartial>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    update(&state, &actor, &name, &body.of(&name)?, &condition).await
}

fn docs_of_update(summary: &'static str) -> Operation {
    docs_of_role(Operation::new::<RoleRead<'_>>(Tag::Roles, summary, StatusCode::OK))
        .describes(
            "Needs `roles:write` and every permission that the role gains or loses. In force at the next request of \
             whoever holds it, and in his next access token. What changes nothing raises no version.",
        )
        .conditional()
        .versioned()
        .refuses(&[ErrorCode::RoleBuiltIn])
}

async fn update(
    state: &ApiState,
    actor: &Actor,
    name: &RoleName,
    patch: &RolePatch,
    condition: &IfMatch,
) -> Result<Answer, ApiError> {
    let change = async |version| state.roles.update(actor, name, patch, version).await;
    shown(&condition.guard(change).await?)
}

pub(super) fn delete_role_docs() -> Operation {
    docs_of_role(Operation::without_data(Tag::Roles, "Delete a role"))
        .describes(
            "Needs `roles:write` and everything that the role grants. One that somebody holds, be he deleted, stays, \
             unless `force` says to take it from everybody: that needs `roles:assign` and everything that the holders \
             may do, who may be 10,000 at most.",
        )
        .with_parameters(RoleDeletion::parameters())
        .conditional()
        .refuses(&[ErrorCode::RoleBuiltIn, ErrorCode::RoleInUse])
}

pub(super) async fn delete_role(
    state: State,
    PathId(name): PathId<RoleName>,
    caller: CurrentUser<ValidQuery<RoleDeletion>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidQuery(RoleDeletion { force }) } = caller;
    condition.guard(async |version| state.roles.delete(&actor, &name, force, version).await).await?;
    Answer::ok(&())
}

pub(super) fn list_permissions_docs() -> Operation {
    Operation::new::<Page<PermissionRead<'_>>>(Tag::Roles, "Permissions", StatusCode::OK)
        .describes(
            "Those that usher asks for, and those that roles name for other services. Needs `roles:read`. By name; \
             all of them on one page.",
        )
        .needs(Caller::Settled)
        .refuses(&[ErrorCode::Forbidden])
}

pub(super) async fn list_permissions(state: State, caller: CurrentUser) -> Result<Answer, ApiError> {
    let permissions = state.roles.permissions(&caller.actor).await?;
    Answer::ok(&PermissionRead::page(&permissions))
}

/// What is documented of everything about one role.
fn docs_of_role(operation: Operation) -> Operation {
    operation.needs(Caller::Settled).with_role_name().refuses(&[ErrorCode::Forbidden])
}

fn shown(role: &Role) -> Result<Answer, ApiError> {
    Answer::ok(&RoleRead::from(role))?.with_version(role.version)
}
