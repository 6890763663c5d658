use actix_web::http::StatusCode;

use super::State;
use crate::{
    dto::Health,
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::NoQuery,
    openapi::{Operation, Tag},
};

pub(super) fn health_live_docs() -> Operation {
    Operation::new::<Health>(Tag::Service, "Whether the process runs", StatusCode::OK)
        .describes("Asks nothing that the process depends on.")
}

pub(super) async fn health_live(_: NoQuery) -> Result<Answer, ApiError> {
    Answer::ok(&Health { status: "ok" })
}

pub(super) fn health_ready_docs() -> Operation {
    Operation::new::<Health>(Tag::Service, "Whether requests can be served", StatusCode::OK)
        .describes("If not, the message names what is missing.")
        .refuses(&[ErrorCode::Unavailable])
}

pub(super) async fn health_ready(state: State, _: NoQuery) -> Result<Answer, ApiError> {
    let unready = state.readiness.unready().await;
    if unready.is_empty() {
        return Answer::ok(&Health { status: "ok" });
    }
    Err(ApiError::unavailable(format!("not ready: {}", unready.join(", "))))
}
