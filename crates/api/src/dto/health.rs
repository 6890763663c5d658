use serde::Serialize;
use utoipa::ToSchema;

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "status": "ok" }))]
pub(crate) struct Health {
    /// Always `ok`: anything else is an error answer.
    pub status: &'static str,
}
