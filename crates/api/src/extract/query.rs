use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Query};
use usher_domain::{FaultCode, FieldFault};

use crate::error::ApiError;

/// That the route takes no query parameters, and none were sent.
#[derive(Debug)]
pub(crate) struct NoQuery;

impl FromRequest for NoQuery {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let faults: Vec<_> = parameter_names(request.query_string())
            .into_iter()
            .map(|field| FieldFault {
                field,
                code: FaultCode::UnknownField,
                message: "is no query parameter of this route".to_owned(),
            })
            .collect();
        ready(if faults.is_empty() { Ok(Self) } else { Err(ApiError::invalid_fields(faults)) })
    }
}

/// The names in a query string, values left out: they may be secrets.
fn parameter_names(query: &str) -> Vec<String> {
    if query.is_empty() {
        return Vec::new();
    }
    let pairs = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner).unwrap_or_default();
    pairs.into_iter().map(|(name, _)| name).collect()
}
