use actix_web::http::StatusCode;

use super::State;
use crate::{
    dto::{Credentials, SignedIn},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{Client, CurrentUser, ValidJson},
    openapi::{Operation, Tag},
};

pub(super) fn login_docs() -> Operation {
    Operation::new::<SignedIn<'_>>(Tag::Authentication, "Sign in", StatusCode::OK)
        .describes(
            "With a username or an e-mail address and the password. Unknown, wrong, deactivated and deleted are one \
             answer. `FORBIDDEN` is for the default password of the first administrator where it came through a proxy.",
        )
        .takes::<Credentials>()
        .refuses(&[ErrorCode::InvalidCredentials, ErrorCode::Forbidden, ErrorCode::Busy, ErrorCode::Unavailable])
}

pub(super) async fn login(
    state: State,
    Client(client): Client,
    ValidJson(credentials): ValidJson<Credentials>,
) -> Result<Answer, ApiError> {
    let login = state.auth.login(&credentials.into(), &client).await?;
    Answer::ok(&SignedIn::from(&login))
}

pub(super) async fn current_user(caller: CurrentUser) -> Result<Answer, ApiError> {
    super::me::get_me(caller).await
}
