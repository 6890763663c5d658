//! The OpenAPI document, made from the table of routes.

mod components;
mod operation;
mod parameters;
mod scheme;

use actix_web::http::Method;
pub(crate) use components::example_of;
pub(crate) use operation::{Caller, Operation, Tag};
pub(crate) use parameters::{flag, in_query, list_in_query, moment, of_pages, text, uuid};
pub(crate) use scheme::Scheme;
use utoipa::openapi::{HttpMethod, Info, OpenApi, OpenApiBuilder, Paths};

use crate::routes::{Endpoint, endpoints};

/// What the API offers, as OpenAPI 3.1: every path below the given base path and beside it.
#[must_use]
pub fn openapi(base_path: &str) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = components::shared();
    for endpoint in endpoints() {
        let Some(operation) = &endpoint.operation else { continue };
        for (is_alias, path) in endpoint.paths(base_path).into_iter().enumerate().map(|(i, path)| (i > 0, path)) {
            for method in &endpoint.methods {
                let Some(http_method) = http_method(method) else { continue };
                let id = operation_id(&endpoint, method, is_alias);
                paths.add_path_operation(&path, vec![http_method], operation.describe(id, is_alias));
            }
        }
        components.schemas.extend(operation.schemas.clone());
    }
    for scheme in Scheme::ALL {
        components.add_security_scheme(scheme.name(), scheme.describe());
    }
    let mut info = Info::new("usher", env!("CARGO_PKG_VERSION"));
    info.description = Some("User management: signing in, accounts, tokens.".to_owned());
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .tags(Some(Tag::ALL.iter().map(|tag| tag.describe())))
        .build()
}

fn operation_id(endpoint: &Endpoint, method: &Method, is_alias: bool) -> String {
    let head = if method == Method::HEAD { "_head" } else { "" };
    let alias = if is_alias { "_alias" } else { "" };
    format!("{}{head}{alias}", endpoint.id)
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    [
        (Method::GET, HttpMethod::Get),
        (Method::HEAD, HttpMethod::Head),
        (Method::POST, HttpMethod::Post),
        (Method::PUT, HttpMethod::Put),
        (Method::PATCH, HttpMethod::Patch),
        (Method::DELETE, HttpMethod::Delete),
    ]
    .into_iter()
    .find_map(|(candidate, documented)| (candidate == *method).then_some(documented))
}
