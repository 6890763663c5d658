use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    rt::time::timeout,
};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;

use super::{NoQuery, json};
use crate::{
    ApiSettings,
    error::{ApiError, ErrorCode},
    state::state_of,
};

/// How large a body may be; kept in the extensions of a request, if it is not the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLimit {
    /// Where somebody proves who he is, and sends little else.
    Auth,
    /// Everywhere else.
    Standard,
}

impl BodyLimit {
    fn bytes(self, settings: &ApiSettings) -> usize {
        match self {
            Self::Auth => settings.auth_body_limit,
            Self::Standard => settings.body_limit,
        }
    }
}

/// A body of JSON of the shape that the handler asks for; besides it, no query parameters.
#[derive(Debug)]
pub(crate) struct ValidJson<T>(pub T);

/// As [`ValidJson`], where no body at all is fine too.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for ValidJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            NoQuery::extract(&request).await?;
            check_media_type(request.headers())?;
            json::parse(&receive(&request, payload).await?).map(Self)
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            NoQuery::extract(&request).await?;
            let has_type = request.headers().contains_key(CONTENT_TYPE);
            if has_type {
                check_media_type(request.headers())?;
            }
            let body = receive(&request, payload).await?;
            match (body.is_empty(), has_type) {
                (true, _) => Ok(Self(None)),
                (false, true) => json::parse(&body).map(|value| Self(Some(value))),
                (false, false) => Err(unsupported_media_type()),
            }
        })
    }
}

/// Whether a request says that its body is JSON, whatever there is of it.
pub(crate) fn says_json(headers: &HeaderMap) -> bool {
    check_media_type(headers).is_ok()
}

/// `application/json`, in UTF-8 if it says in what, and not compressed.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut sent = headers.get_all(CONTENT_TYPE);
    let (Some(media_type), None) = (sent.next(), sent.next()) else {
        return Err(unsupported_media_type());
    };
    let media_type = media_type.to_str().map_err(|_| unsupported_media_type())?.to_ascii_lowercase();
    let mut parts = media_type.split(';').map(str::trim);
    let is_json = parts.next() == Some("application/json");
    let is_utf8 = parts.all(|parameter| matches!(parameter, "" | "charset=utf-8" | "charset=\"utf-8\""));
    let is_plain = headers.get_all(CONTENT_ENCODING).all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && is_utf8 && is_plain { Ok(()) } else { Err(unsupported_media_type()) }
}

fn unsupported_media_type() -> ApiError {
    let message = "the body must be of the type application/json, in UTF-8 and not compressed";
    ApiError::new(ErrorCode::UnsupportedMediaType, message)
}

/// The body, if it arrives in time and is not too large for the route.
async fn receive(request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, ApiError> {
    let settings = &state_of(request)?.settings;
    let limit = request.extensions().get().copied().unwrap_or(BodyLimit::Standard).bytes(settings);
    timeout(settings.body_timeout, read(request, payload, limit))
        .await
        .map_err(|_| ApiError::new(ErrorCode::RequestTimeout, "the body took too long to arrive"))?
}

/// The body, of which no more is read than the limit and a chunk.
async fn read(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::new(ErrorCode::PayloadTooLarge, format!("the body may have at most {limit} bytes"));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    if announced > limit {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken_off(&error))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken_off(error: &PayloadError) -> ApiError {
    tracing::debug!(%error, "a body could not be read");
    ApiError::new(ErrorCode::MalformedRequest, "the body could not be read to its end")
}
