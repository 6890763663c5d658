//! The outermost layer: the id of the request, the bodies of error answers, the header fields that
//! every answer has.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
            STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    web::Data,
};
use usher_service::Environment;

use super::unread::Unread;
use crate::{
    ApiState,
    envelope::error_body,
    error::ApiError,
    metrics::{self, InFlight},
    request::{RequestContext, X_REQUEST_ID, method_of},
};

/// What an answer has unless its handler said otherwise.
const DEFAULTS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'")),
];

pub(crate) async fn edge(
    state: Data<ApiState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let context = RequestContext::begin(&request, &state.environment);
    request.extensions_mut().insert(context.clone());
    let unread = Unread::watch(&mut request);

    let in_flight = InFlight::new();
    let response = next.call(request).await?;
    drop(in_flight);
    count(&response, &context, &state.environment);
    let refusal = response.response().error().and_then(|error| error.as_error::<ApiError>());
    let mut response = match refusal.map(|refusal| error_body(refusal, context.id.as_str())) {
        Some(body) => response.map_body(|_, _| BoxBody::new(body)),
        None => response.map_into_boxed_body(),
    };
    set_headers(response.headers_mut(), &context, &state);
    if state.readiness.is_draining() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(match unread {
        Some(unread) => response.map_body(|_, body| BoxBody::new(unread.held_by(body))),
        None => response,
    })
}

fn count(response: &ServiceResponse<impl MessageBody>, context: &RequestContext, environment: &Environment) {
    let request = response.request();
    let latency = environment.clock.monotonic().saturating_sub(context.started);
    let (method, route) = (method_of(request.method()), Arc::clone(&context.route));
    metrics::answered(method, route, response.status().as_u16(), latency);
}

fn set_headers(headers: &mut HeaderMap, context: &RequestContext, state: &ApiState) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if state.settings.is_https() {
        let one_year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(STRICT_TRANSPORT_SECURITY, one_year);
    }
    if let Ok(id) = HeaderValue::from_str(context.id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
}
