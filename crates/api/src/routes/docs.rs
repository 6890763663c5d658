//! Swagger UI. The page and its few lines of script are ours, so that nothing on it is inline and a
//! strict policy holds; all else is built in.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web::{Bytes, Path},
};
use utoipa_swagger_ui::{Config, serve};

use crate::error::ApiError;

const PAGE: &str = include_str!("../../assets/docs/index.html");
const START: &str = include_str!("../../assets/docs/start.js");

/// Scripts, styles and requests only from and to ourselves; pictures also from within the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn docs_page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE)
}

pub(super) async fn docs_asset(name: Path<String>) -> Result<HttpResponse, ApiError> {
    let (content_type, body) = match name.as_str() {
        "start.js" => ("text/javascript; charset=utf-8", Bytes::from_static(START.as_bytes())),
        name @ "swagger-ui-bundle.js" => ("text/javascript; charset=utf-8", built_in(name)?),
        name @ ("swagger-ui.css" | "index.css") => ("text/css; charset=utf-8", built_in(name)?),
        name @ "favicon-32x32.png" => ("image/png", built_in(name)?),
        _ => return Err(ApiError::not_found()),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(body))
}

fn built_in(name: &str) -> Result<Bytes, ApiError> {
    let file = serve(name, Arc::new(Config::default())).ok().flatten().ok_or_else(ApiError::not_found)?;
    Ok(match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    })
}
