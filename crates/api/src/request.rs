//! What is known about a request from its first moment on.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::ServiceRequest,
    http::{Method, header::HeaderName},
};
use usher_domain::RequestId;
use usher_service::Environment;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Kept in the extensions of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    /// The id that follows it: the client's own if that is well-formed, else a new one.
    pub id: RequestId,
    /// When its head was read, on the monotonic clock.
    pub started: Duration,
    /// As [`route_of`] has it.
    pub route: Arc<str>,
}

/// The method. One that is none of HTTP itself is a text of the client's choice.
pub(crate) fn method_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}

/// The template of the route, the same with and without a slash at the end.
pub(crate) fn route_of(request: &HttpRequest) -> String {
    let mut template = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    if template.ends_with('/') {
        template.pop();
    }
    template
}

impl RequestContext {
    pub(crate) fn begin(request: &ServiceRequest, environment: &Environment) -> Self {
        let sent = request.headers().get(X_REQUEST_ID).and_then(|id| RequestId::parse(id.to_str().ok()?));
        Self {
            id: sent.unwrap_or_else(|| RequestId::generate(&*environment.ids)),
            started: environment.clock.monotonic(),
            route: route_of(request.request()).into(),
        }
    }

    pub(crate) fn of(request: &impl HttpMessage) -> Option<Self> {
        request.extensions().get().cloned()
    }
}
