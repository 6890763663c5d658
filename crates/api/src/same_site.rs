//! Whether a request may have been made by a page of another site, with what the browser adds to it by
//! itself (OWASP, Cross-Site Request Forgery Prevention). Asked where a cookie is read or set; a token
//! in a header field or in the body is one that the page itself knows.

use actix_web::http::header::{HeaderMap, HeaderName, ORIGIN};

use crate::{
    ApiSettings,
    error::{ApiError, ErrorCode},
    extract::says_json,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// That the request came from a page of ours or of a listed origin, or from no page at all. What the
/// browser says of the site (Fetch Metadata) decides; where it says nothing, the origin does.
///
/// # Errors
/// `CROSS_SITE_REQUEST`.
pub(crate) fn check_site(headers: &HeaderMap, settings: &ApiSettings) -> Result<(), ApiError> {
    let origin = only(headers, &ORIGIN);
    match only(headers, &SEC_FETCH_SITE) {
        Some(b"same-origin" | b"none") => Ok(()),
        Some(b"same-site") if origin.is_some_and(|origin| settings.lists_origin(origin)) => Ok(()),
        Some(b"same-site") => Err(unlisted()),
        Some(_) => Err(foreign()),
        None => match origin {
            Some(origin) if origin == settings.public_url.as_bytes() || settings.lists_origin(origin) => Ok(()),
            Some(_) => Err(unlisted()),
            None => Ok(()),
        },
    }
}

/// That the request is none that a form can make, which browsers send to any site without asking it
/// first.
///
/// # Errors
/// `CROSS_SITE_REQUEST`.
pub(crate) fn check_form(headers: &HeaderMap) -> Result<(), ApiError> {
    if says_json(headers) || headers.contains_key(X_REQUESTED_WITH) {
        return Ok(());
    }
    let message = "a form of another site could have sent this: send Content-Type: application/json, or the header \
                   X-Requested-With";
    Err(ApiError::new(ErrorCode::CrossSiteRequest, message))
}

/// The value of a header field; for one that is there several times, which no browser does, a value
/// that is never good.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut sent = headers.get_all(name);
    let value = sent.next()?.as_bytes();
    Some(if sent.next().is_none() { value } else { b"" })
}

fn unlisted() -> ApiError {
    let message = "the request came from an origin that is not listed: add it to http.cors_origins, or sign in with \
                   token_delivery body and send the refresh token in the body";
    ApiError::new(ErrorCode::CrossSiteRequest, message)
}

fn foreign() -> ApiError {
    let message = "the request came from another site, where the cookie is of no use: sign in with token_delivery \
                   body and send the refresh token in the body";
    ApiError::new(ErrorCode::CrossSiteRequest, message)
}
