pub(super) mod presented;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::SET_COOKIE},
};
use usher_service::{SignUpOutcome, Tokens};

use super::{State, users::location_of};
use crate::{
    ApiSettings, cookie,
    dto::{Credentials, Logout, SignUp, SignedIn, SignedUp, Token, TokenDelivery, TokenRefresh},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{Client, CurrentUser, OptionalJson, ValidJson},
    openapi::{Operation, Scheme, Tag},
};

pub(super) fn sign_up_docs() -> Operation {
    Operation::new::<SignedUp<'_>>(Tag::Authentication, "Make an account for oneself", StatusCode::CREATED)
        .describes(
            "And sign in with it. A session that the browser still has, by its cookie, is ended. Pages of other sites \
             must ask for `token_delivery: body`. Where addresses are proven first the answer is 202, the same for \
             every address: the account is made, and its password chosen, with the token of the mail.",
        )
        .takes::<SignUp>()
        .may_be_accepted()
        .locates()
        .sets_cookie("The refresh token, unless it is in the body.")
        .refuses(&[
            ErrorCode::RegistrationClosed,
            ErrorCode::CrossSiteRequest,
            ErrorCode::UsernameTaken,
            ErrorCode::EmailTaken,
            ErrorCode::WeakPassword,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
            ErrorCode::Unavailable,
        ])
}

pub(super) async fn sign_up(
    state: State,
    request: HttpRequest,
    Client(client): Client,
    ValidJson(wish): ValidJson<SignUp>,
) -> Result<Answer, ApiError> {
    let delivery = wish.token_delivery;
    let replaced = presented::at_login(request.headers(), &state.settings, delivery)?;
    let tokens = match state.registration.sign_up(wish.into(), replaced.as_ref(), &client).await? {
        SignUpOutcome::Made(tokens) => tokens,
        SignUpOutcome::Pending => return Answer::accepted(),
    };
    let answer = Answer::created(&SignedUp::of(&tokens, delivery), &location_of(&tokens.user, &state.settings))?;
    deliver(answer, &tokens, delivery, &state.settings)
}

pub(super) fn login_docs() -> Operation {
    Operation::new::<SignedIn<'_>>(Tag::Authentication, "Sign in", StatusCode::OK)
        .describes(
            "With a username or an e-mail address and the password. Unknown, wrong, deactivated and deleted are one \
             answer. `FORBIDDEN` is for the default password of the first administrator where it came through a \
             proxy. A session that the browser still has, by its cookie, is ended. Pages of other sites must ask for \
             `token_delivery: body`.",
        )
        .takes::<Credentials>()
        .sets_cookie("The refresh token, unless it is in the body.")
        .refuses(&[
            ErrorCode::InvalidCredentials,
            ErrorCode::CrossSiteRequest,
            ErrorCode::Forbidden,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
            ErrorCode::Unavailable,
        ])
}

pub(super) async fn login(
    state: State,
    request: HttpRequest,
    Client(client): Client,
    ValidJson(credentials): ValidJson<Credentials>,
) -> Result<Answer, ApiError> {
    let delivery = credentials.token_delivery;
    let replaced = presented::at_login(request.headers(), &state.settings, delivery)?;
    let tokens = state.auth.login(&credentials.replacing(replaced), &client).await?;
    deliver(Answer::ok(&SignedIn::of(&tokens, delivery))?, &tokens, delivery, &state.settings)
}

pub(super) fn refresh_docs() -> Operation {
    Operation::new::<Token<'_>>(Tag::Authentication, "Renew the tokens of a session", StatusCode::OK)
        .describes(
            "The refresh token comes in the cookie or in the body, which wins, and the next one goes out as it came. \
             Each is good once, but for a few seconds it gets the same successor again; after that its session ends. \
             Without a body, send `X-Requested-With` with any value. A 401 clears the cookie that was refused.",
        )
        .may_show(&[Scheme::RefreshCookie])
        .may_take::<TokenRefresh>()
        .sets_cookie("The next refresh token, if it came in the cookie.")
        .clears_cookie_with_401()
        .refuses(&[
            ErrorCode::RefreshTokenInvalid,
            ErrorCode::RefreshTokenReused,
            ErrorCode::CrossSiteRequest,
            ErrorCode::TooManyAttempts,
            ErrorCode::Unavailable,
        ])
}

pub(super) async fn refresh(
    state: State,
    request: HttpRequest,
    Client(client): Client,
    OptionalJson(body): OptionalJson<TokenRefresh>,
) -> Result<Answer, ApiError> {
    let (token, delivery) = presented::at_refresh(request.headers(), &state.settings, body.unwrap_or_default())?;
    match state.auth.refresh(&token, &client).await {
        Ok(tokens) => deliver(Answer::ok(&Token::of(&tokens, delivery))?, &tokens, delivery, &state.settings),
        Err(error) => Err(refuse(error.into(), delivery, &state.settings)?),
    }
}

pub(super) fn logout_docs() -> Operation {
    Operation::without_data(Tag::Authentication, "Sign out")
        .describes(
            "Shows an access token, a refresh token in the cookie or in the body, or both: what is no good any more is \
             no error, and the answer is the same without a session. Without a body and an access token, send \
             `X-Requested-With` with any value.",
        )
        .may_show(&[Scheme::Bearer, Scheme::RefreshCookie])
        .may_take::<Logout>()
        .sets_cookie("Clears the cookie, unless only other sessions end.")
        .refuses(&[
            ErrorCode::RefreshTokenInvalid,
            ErrorCode::CrossSiteRequest,
            ErrorCode::TooManyAttempts,
            ErrorCode::Unavailable,
        ])
}

pub(super) async fn logout(
    state: State,
    request: HttpRequest,
    Client(client): Client,
    OptionalJson(body): OptionalJson<Logout>,
) -> Result<Answer, ApiError> {
    let leaving = presented::at_logout(request.headers(), &state.settings, body.unwrap_or_default())?;
    state.auth.logout(leaving.tokens(), leaving.scope, &client).await?;
    let answer = Answer::ok(&())?;
    if !leaving.clears_cookie {
        return Ok(answer);
    }
    Ok(answer.with_header(SET_COOKIE, cookie::cleared(&state.settings)?))
}

pub(super) async fn current_user(caller: CurrentUser) -> Result<Answer, ApiError> {
    super::me::get_me(caller).await
}

/// Hands out the refresh token where it is not in the body already.
fn deliver(
    answer: Answer,
    tokens: &Tokens,
    delivery: TokenDelivery,
    settings: &ApiSettings,
) -> Result<Answer, ApiError> {
    match delivery {
        TokenDelivery::Cookie => Ok(answer.with_header(SET_COOKIE, cookie::kept(&tokens.refresh, settings)?)),
        TokenDelivery::Body => Ok(answer),
    }
}

/// Has the browser forget a cookie that is no good any more, and none that may still be.
fn refuse(error: ApiError, delivery: TokenDelivery, settings: &ApiSettings) -> Result<ApiError, ApiError> {
    let is_over = error.code().status() == StatusCode::UNAUTHORIZED && delivery == TokenDelivery::Cookie;
    Ok(if is_over { error.with_header(SET_COOKIE, cookie::cleared(settings)?) } else { error })
}
