//! Which tokens a request presents. A cookie counts only where no page of another site can have had the
//! browser send it; elsewhere it is neither used nor touched.

use actix_web::http::header::HeaderMap;
use usher_domain::PlainToken;
use usher_service::{LogoutScope, LogoutTokens};

use crate::{
    ApiSettings, cookie,
    dto::{Logout, TokenDelivery, TokenRefresh},
    error::{ApiError, ErrorCode},
    extract::bearer_token,
    same_site::{check_form, check_site},
};

/// The refresh token that this browser still has, at a login or a sign-up. Refused where a page of another site would
/// have the cookie set.
pub(super) fn at_login(
    headers: &HeaderMap,
    settings: &ApiSettings,
    delivery: TokenDelivery,
) -> Result<Option<PlainToken>, ApiError> {
    match check_site(headers, settings) {
        Ok(()) => Ok(cookie::sent(headers, settings).unwrap_or_default()),
        Err(refusal) if delivery == TokenDelivery::Cookie => Err(refusal),
        Err(_) => Ok(None),
    }
}

/// Whether this browser has a refresh token that the request may touch, where an access token is what
/// counts.
pub(in crate::routes) fn has_cookie(headers: &HeaderMap, settings: &ApiSettings) -> bool {
    check_site(headers, settings).is_ok() && cookie::sent(headers, settings).is_ok_and(|token| token.is_some())
}

/// The refresh token that is to be renewed, and how it came. One in the body wins over a cookie.
pub(super) fn at_refresh(
    headers: &HeaderMap,
    settings: &ApiSettings,
    body: TokenRefresh,
) -> Result<(PlainToken, TokenDelivery), ApiError> {
    if let Some(token) = body.refresh_token {
        return Ok((token, TokenDelivery::Body));
    }
    check_form(headers)?;
    check_site(headers, settings)?;
    let token = cookie::sent(headers, settings)?.ok_or_else(|| {
        let message = "there is no refresh token, neither in the body nor in the cookie: sign in";
        ApiError::new(ErrorCode::RefreshTokenInvalid, message)
    })?;
    Ok((token, TokenDelivery::Cookie))
}

/// What somebody presents who signs out.
pub(super) struct Leaving<'a> {
    access: Option<&'a str>,
    refresh: Option<PlainToken>,
    pub scope: LogoutScope,
    /// Whether the browser is to forget its cookie.
    pub clears_cookie: bool,
}

impl Leaving<'_> {
    pub(super) fn tokens(&self) -> LogoutTokens<'_> {
        LogoutTokens { access: self.access, refresh: self.refresh.as_ref() }
    }
}

/// What is presented at a logout. Where a token is in a header field or in the body, the page knows it
/// and may do without the cookie, so nothing is refused on the cookie's account.
pub(super) fn at_logout<'a>(
    headers: &'a HeaderMap,
    settings: &ApiSettings,
    body: Logout,
) -> Result<Leaving<'a>, ApiError> {
    let access = bearer_token(headers).ok();
    let Logout { scope, refresh_token: refresh } = body;
    let scope = scope.into();
    let knows_a_token = access.is_some() || refresh.is_some();
    if !knows_a_token {
        check_form(headers)?;
    }
    match check_site(headers, settings).and_then(|()| cookie::sent(headers, settings)) {
        Ok(in_cookie) => {
            let stays = scope == LogoutScope::Others;
            Ok(Leaving { access, refresh: refresh.or(in_cookie), scope, clears_cookie: !stays })
        }
        Err(_) if knows_a_token => Ok(Leaving { access, refresh, scope, clears_cookie: false }),
        Err(refusal) => Err(refusal),
    }
}
