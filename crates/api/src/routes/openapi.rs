use std::sync::OnceLock;

use actix_web::{
    HttpResponse,
    http::header::CONTENT_TYPE,
    web::{Bytes, Data},
};
use utoipa::openapi::ObjectBuilder;

use super::State;
use crate::{
    error::ApiError,
    extract::NoQuery,
    openapi::{Operation, Tag, openapi},
};

/// The document, once somebody has asked for it.
#[derive(Default)]
pub(super) struct Document(OnceLock<Bytes>);

pub(super) fn openapi_json_docs() -> Operation {
    let schema = ObjectBuilder::new().title(Some("OpenAPI document")).description(Some("OpenAPI 3.1."));
    Operation::document(Tag::Service, "This document", schema, None)
}

pub(super) async fn openapi_json(state: State, document: Data<Document>, _: NoQuery) -> Result<HttpResponse, ApiError> {
    let document = match document.0.get() {
        Some(document) => document.clone(),
        None => {
            let made = openapi(&state.settings.base_path).to_json().map_err(|error| {
                tracing::error!(?error, "the OpenAPI document could not be written");
                ApiError::internal()
            })?;
            document.0.get_or_init(|| Bytes::from(made)).clone()
        }
    };
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(document))
}
