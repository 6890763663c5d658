use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::json;
use utoipa::openapi::ObjectBuilder;

use super::State;
use crate::{
    extract::NoQuery,
    openapi::{Operation, Tag},
};

pub(super) fn jwks_docs() -> Operation {
    let schema = ObjectBuilder::new().title(Some("JWK set")).description(Some("RFC 7517, 5."));
    let key = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "use": "sig",
        "alg": "EdDSA",
    });
    Operation::document(
        Tag::Service,
        "The keys that access tokens are signed with",
        schema,
        Some(json!({ "keys": [key] })),
    )
    .describes("For services that verify access tokens by themselves. May be kept for 300 seconds.")
}

pub(super) async fn jwks(state: State, _: NoQuery) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(state.tokens.jwks().to_string())
}
