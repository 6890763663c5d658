//! The one shape of every answer: `success`, `data`, `error`.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION},
    },
};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use usher_domain::FieldFault;

use crate::error::ApiError;

/// Room for most answers, so that the buffer does not grow while one is written.
const TYPICAL_LENGTH: usize = 1024;

#[derive(Serialize)]
struct Envelope<T, E> {
    success: bool,
    data: T,
    error: E,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(serialize_with = "serialize_details")]
    details: &'a [FieldFault],
    request_id: &'a str,
}

#[derive(Serialize)]
struct Detail<'a> {
    field: &'a str,
    code: &'static str,
    message: &'a str,
}

fn serialize_details<S: Serializer>(details: &[FieldFault], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(details.len()))?;
    for FieldFault { field, code, message } in details {
        sequence.serialize_element(&Detail { field, code: code.as_str(), message })?;
    }
    sequence.end()
}

fn write<T: Serialize, E: Serialize>(envelope: &Envelope<T, E>) -> Result<Vec<u8>, serde_json::Error> {
    let mut buffer = Vec::with_capacity(TYPICAL_LENGTH);
    serde_json::to_writer(&mut buffer, envelope)?;
    Ok(buffer)
}

/// The body of an error answer.
pub(crate) fn error_body(error: &ApiError, request_id: &str) -> Vec<u8> {
    let body =
        ErrorBody { code: error.code().as_str(), message: error.message(), details: error.details(), request_id };
    write(&Envelope { success: false, data: (), error: body }).unwrap_or_default()
}

/// An answer that says yes, its body written already. Tokens may be in it, so it does not show itself.
pub(crate) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub(crate) fn ok(data: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, data)
    }

    /// What was made, and where it is.
    pub(crate) fn created(data: &impl Serialize, location: &str) -> Result<Self, ApiError> {
        let location = HeaderValue::from_str(location).map_err(|_| ApiError::internal())?;
        Ok(Self::new(StatusCode::CREATED, data)?.with_header(LOCATION, location))
    }

    /// That it will be done, later.
    pub(crate) fn accepted() -> Result<Self, ApiError> {
        Self::new(StatusCode::ACCEPTED, &())
    }

    fn new(status: StatusCode, data: &impl Serialize) -> Result<Self, ApiError> {
        let body = write(&Envelope { success: true, data, error: () }).map_err(|error| {
            tracing::error!(?error, "an answer could not be written");
            ApiError::internal()
        })?;
        Ok(Self { status, body, headers: Vec::new() })
    }

    /// Says which version this is (RFC 9110, 8.8.3).
    pub(crate) fn with_version(self, version: i64) -> Result<Self, ApiError> {
        let tag = HeaderValue::from_str(&format!("\"{version}\"")).map_err(|_| ApiError::internal())?;
        Ok(self.with_header(ETAG, tag))
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Responder for Answer {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::with_body(self.status, actix_web::body::BoxBody::new(self.body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
