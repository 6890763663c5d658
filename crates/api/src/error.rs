//! What goes wrong, as clients are told it.

mod code;
mod from;

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
pub use code::ErrorCode;
use usher_domain::{Fault, FaultCode, FieldFault};

/// When to come back where nobody can know better.
const SOON: Duration = Duration::from_secs(1);

/// An answer that says no. It holds nothing that the client must not see: causes are logged where they
/// are found.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    code: ErrorCode,
    message: Cow<'static, str>,
    details: Vec<FieldFault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let error = Self(Box::new(Refusal { code, message: message.into(), details: Vec::new(), headers: Vec::new() }));
        if code.status() == StatusCode::UNAUTHORIZED {
            return error.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        error
    }

    /// Nobody is signed in; `token_sent`, although somebody tried (RFC 6750, 3).
    pub(crate) fn unauthenticated(token_sent: bool) -> Self {
        let mut error = Self::new(ErrorCode::Unauthenticated, "a valid access token is needed");
        if token_sent {
            let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
            error.0.headers = vec![(WWW_AUTHENTICATE, challenge)];
        }
        error
    }

    pub(crate) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing here")
    }

    /// What was sent is at fault, in one place.
    pub(crate) fn invalid(field: String, fault: Fault) -> Self {
        let Fault { code, message } = fault;
        Self::invalid_fields(vec![FieldFault { field, code, message }])
    }

    /// What was sent is at fault, in these places.
    pub(crate) fn invalid_fields(faults: Vec<FieldFault>) -> Self {
        Self::new(ErrorCode::ValidationFailed, "what was sent is not valid: see details").with_details(faults)
    }

    /// Somebody else has the value of a field.
    pub(crate) fn taken(code: ErrorCode, field: &str, message: String) -> Self {
        let fault = FieldFault { field: field.to_owned(), code: FaultCode::Taken, message: message.clone() };
        Self::new(code, message).with_details(vec![fault])
    }

    /// A cursor that no page of this list ended with.
    pub(crate) fn invalid_cursor() -> Self {
        Self::new(ErrorCode::InvalidCursor, "the cursor is not one of this list")
    }

    /// Somebody was too fast; the same for whatever he tried.
    pub(crate) fn too_many_attempts(wait: Duration) -> Self {
        Self::new(ErrorCode::TooManyAttempts, "too many attempts: try again later").retry_after(wait)
    }

    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::Internal, "something went wrong on our side")
    }

    /// A dependency is out of reach.
    pub(crate) fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unavailable, message).retry_after(SOON)
    }

    pub(crate) fn timeout() -> Self {
        Self::new(ErrorCode::Timeout, "the request took too long").retry_after(SOON)
    }

    /// When to come back, in whole seconds, rounded up.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    pub(crate) fn with_details(mut self, details: Vec<FieldFault>) -> Self {
        self.0.details = details;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    pub(crate) fn details(&self) -> &[FieldFault] {
        &self.0.details
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    /// Status and header fields. The body needs the id of the request, so it is written at the
    /// [edge](crate::middleware::edge).
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.0.headers {
            headers.append(name.clone(), value.clone());
        }
        response
    }
}
