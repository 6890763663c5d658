use actix_web::http::StatusCode;
use usher_domain::Principal;

use super::State;
use crate::{
    dto::{PasswordChange, Token, UserRead},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{CurrentUser, ValidJson},
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

pub(super) fn change_password_docs() -> Operation {
    Operation::new::<Token<'_>>(Tag::OwnAccount, "Change one's own password", StatusCode::OK)
        .describes(
            "Ends all other sessions and every access token so far; the session stays, and the answer has its new \
             access token. Open also while the password must be changed.",
        )
        .needs(Caller::SignedIn)
        .takes::<PasswordChange>()
        .refuses(&[ErrorCode::CurrentPasswordIncorrect, ErrorCode::WeakPassword, ErrorCode::Busy])
}

pub(super) async fn change_password(
    state: State,
    caller: CurrentUser<ValidJson<PasswordChange>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: ValidJson(wish) } = caller;
    let Principal::User { session, .. } = *actor.principal() else {
        return Err(ApiError::unauthenticated(true));
    };
    let account = state.users.change_password(&actor, wish.into()).await?;
    let token = state.auth.access_token(&account, session).await?;
    Answer::ok(&Token::from(&token))
}
