//! Cross-origin requests (Fetch, 3.2): nothing at all unless origins are listed; those are compared
//! exactly, and no other is ever repeated.

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
        },
    },
    middleware::Next,
    web::Data,
};

use crate::ApiState;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, If-Match, X-Request-Id, X-Requested-With");
const EXPOSED: HeaderValue = HeaderValue::from_static("ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id");

/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

pub(crate) async fn cors<B: MessageBody + 'static>(
    state: Data<ApiState>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if state.settings.cors_origins.is_empty() {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let origin = origin.filter(|origin| state.settings.lists_origin(origin.as_bytes()));
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);

    let mut response = if origin.is_some() && is_preflight {
        request.into_response(preflight()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    allow(response.headers_mut(), origin);
    Ok(response)
}

fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
        .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .finish()
}

fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
