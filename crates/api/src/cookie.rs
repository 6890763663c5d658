//! The cookie in which a browser keeps its refresh token: out of reach of scripts, and sent to this
//! host alone, never on behalf of another site.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};
use usher_domain::PlainToken;
use usher_service::RefreshToken;

use crate::{
    ApiSettings,
    error::{ApiError, ErrorCode},
};

/// Over https. By the prefix browsers take it from this very host only, over https, for all of its
/// paths (RFC 6265bis, 4.1.3.2), so no other host can plant one.
pub(crate) const NAME: &str = "__Host-refresh_token";

/// Over plain http, where browsers refuse the prefix.
pub(crate) const PLAIN_NAME: &str = "refresh_token";

/// The refresh token in the cookie of a request.
///
/// # Errors
/// `REFRESH_TOKEN_INVALID` for more cookies than one: nobody can tell whose they are.
pub(crate) fn sent(headers: &HeaderMap, settings: &ApiSettings) -> Result<Option<PlainToken>, ApiError> {
    let name = name(settings).as_bytes();
    let mut tokens = headers
        .get_all(COOKIE)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="));
    let token = tokens.next().map(|token| PlainToken::new(String::from_utf8_lossy(token).into_owned()));
    if tokens.next().is_some() {
        let message = "the request has several refresh cookies: delete them and sign in again";
        return Err(ApiError::new(ErrorCode::RefreshTokenInvalid, message));
    }
    Ok(token)
}

/// Has the browser keep a token for as long as it is good.
pub(crate) fn kept(token: &RefreshToken, settings: &ApiSettings) -> Result<HeaderValue, ApiError> {
    written(token.token.expose(), token.expires_in.as_secs(), settings)
}

/// Has the browser forget its token.
pub(crate) fn cleared(settings: &ApiSettings) -> Result<HeaderValue, ApiError> {
    written("", 0, settings)
}

/// The one place that writes the cookie: a browser forgets it only under the name and the attributes
/// that it was given with.
fn written(token: &str, seconds: u64, settings: &ApiSettings) -> Result<HeaderValue, ApiError> {
    let secure = if settings.is_https() { " Secure;" } else { "" };
    let name = name(settings);
    let cookie = format!("{name}={token}; Path=/;{secure} HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| ApiError::internal())?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

fn name(settings: &ApiSettings) -> &'static str {
    if settings.is_https() { NAME } else { PLAIN_NAME }
}
