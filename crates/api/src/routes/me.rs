use actix_web::{
    HttpRequest,
    http::{StatusCode, header::SET_COOKIE},
};
use usher_domain::{Actor, Principal};
use usher_service::{EmailChange as Outcome, UserPatch};

use super::{State, auth::presented};
use crate::{
    ApiState, cookie,
    dto::{
        AccountDeletion, EmailChange, Export, PasswordChange, Token, UserRead, UserUpdateFull, UserUpdatePartial,
        without_refresh_token,
    },
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{CurrentUser, IfMatch, ValidJson},
    openapi::{Caller, Operation, Tag},
};

pub(super) fn get_me_docs() -> Operation {
    Operation::new::<UserRead<'_>>(Tag::OwnAccount, "One's own account", StatusCode::OK)
        .describes("Open also while the password must be changed.")
        .needs(Caller::SignedIn)
        .versioned()
}

pub(super) async fn get_me(caller: CurrentUser) -> Result<Answer, ApiError> {
    match caller.actor.principal() {
        Principal::User { user, .. } => Answer::ok(&UserRead::from(&**user))?.with_version(user.version),
        Principal::System => Err(ApiError::unauthenticated(true)),
    }
}

pub(super) fn replace_me_docs() -> Operation {
    docs_of_update("Change one's own account as a whole").takes::<UserUpdateFull>()
}

pub(super) async fn replace_me(
    state: State,
    caller: CurrentUser<ValidJson<UserUpdateFull>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    update(&state, &actor, &body.try_into()?, &condition).await
}

pub(super) fn update_me_docs() -> Operation {
    docs_of_update("Change something about one's own account").takes::<UserUpdatePartial>()
}

pub(super) async fn update_me(
    state: State,
    caller: CurrentUser<ValidJson<UserUpdatePartial>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    update(&state, &actor, &body.try_into()?, &condition).await
}

fn docs_of_update(summary: &'static str) -> Operation {
    Operation::new::<UserRead<'_>>(Tag::OwnAccount, summary, StatusCode::OK)
        .describes("The username and the full name. An address and a password have routes of their own.")
        .needs(Caller::Settled)
        .conditional()
        .versioned()
        .refuses(&[ErrorCode::UsernameTaken, ErrorCode::UseDedicatedEndpoint])
}

async fn update(state: &ApiState, actor: &Actor, patch: &UserPatch, condition: &IfMatch) -> Result<Answer, ApiError> {
    let id = actor.user_id().ok_or_else(|| ApiError::unauthenticated(true))?;
    super::users::update(state, actor, id, patch, condition).await
}

pub(super) fn delete_me_docs() -> Operation {
    Operation::without_data(Tag::OwnAccount, "Delete one's own account")
        .describes(
            "Softly: out of sight, its names taken, its sessions ended. An administrator can restore it for a while. \
             The last administrator stays.",
        )
        .needs(Caller::Settled)
        .takes::<AccountDeletion>()
        .conditional()
        .sets_cookie("Clears the cookie, if there was one.")
        .refuses(&[
            ErrorCode::CurrentPasswordIncorrect,
            ErrorCode::LastAdmin,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
        ])
}

pub(super) async fn delete_me(
    state: State,
    request: HttpRequest,
    caller: CurrentUser<ValidJson<AccountDeletion>>,
    condition: IfMatch,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(body) } = caller;
    let password = &body.current_password;
    let delete = async |version| state.users.delete_own_account(&actor, password.clone(), version).await;
    condition.guard(delete).await?;
    let answer = Answer::ok(&())?;
    if !presented::has_cookie(request.headers(), &state.settings) {
        return Ok(answer);
    }
    Ok(answer.with_header(SET_COOKIE, cookie::cleared(&state.settings)?))
}

pub(super) fn change_password_docs() -> Operation {
    Operation::new::<Token<'_>>(Tag::OwnAccount, "Change one's own password", StatusCode::OK)
        .describes(
            "Ends all other sessions and every access token so far; the session stays with its refresh token, and the \
             answer has its new access token. Open also while the password must be changed.",
        )
        .needs(Caller::SignedIn)
        .answers_like(&without_refresh_token())
        .takes::<PasswordChange>()
        .refuses(&[
            ErrorCode::CurrentPasswordIncorrect,
            ErrorCode::WeakPassword,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
        ])
}

pub(super) async fn change_password(
    state: State,
    caller: CurrentUser<ValidJson<PasswordChange>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(wish) } = caller;
    let session = actor.session().ok_or_else(|| ApiError::unauthenticated(true))?;
    let account = state.users.change_password(&actor, wish.into()).await?;
    let token = state.auth.access_token(&account, session).await?;
    Answer::ok(&Token::from(&token))
}

pub(super) fn change_email_docs() -> Operation {
    Operation::new::<UserRead<'_>>(Tag::OwnAccount, "Change one's own address", StatusCode::OK)
        .describes(
            "The answer is 202: the new address gets a mail and is in force once its link was followed; until then the \
             old one is, and is told. Whether somebody else has the new one does not show. Only where usher sends no \
             mail the address changes at once, and the answer is 200.",
        )
        .needs(Caller::Settled)
        .takes::<EmailChange>()
        .may_be_accepted()
        .versioned()
        .refuses(&[
            ErrorCode::EmailTaken,
            ErrorCode::CurrentPasswordIncorrect,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
        ])
}

pub(super) async fn change_email(
    state: State,
    caller: CurrentUser<ValidJson<EmailChange>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(wish) } = caller;
    match state.users.change_email(&actor, &wish.email, wish.current_password).await? {
        Outcome::Pending => Answer::accepted(),
        Outcome::Done(user) => Answer::ok(&UserRead::from(&*user))?.with_version(user.version),
    }
}

pub(super) fn export_me_docs() -> Operation {
    Operation::new::<Export<'_>>(Tag::OwnAccount, "Everything that is kept about oneself", StatusCode::OK)
        .describes("The account, its sessions, and every entry of the activity log about it.")
        .needs(Caller::Settled)
}

pub(super) async fn export_me(state: State, caller: CurrentUser) -> Result<Answer, ApiError> {
    let data = state.users.export_own_data(&caller.actor).await?;
    Answer::ok(&Export::of(&data, caller.actor.session()))
}
