//! What is documented of parameters.

use serde_json::json;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat,
    path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    schema::Type,
};

/// The id of a user in the path.
pub(super) fn user_id() -> Parameter {
    parameter(ParameterIn::Path, "id", "The id of the user.", uuid())
        .required(Required::True)
        .example(Some(json!("01900000-0000-7000-8000-000000000001")))
        .build()
}

/// The id of a session in the path.
pub(super) fn session_id() -> Parameter {
    parameter(ParameterIn::Path, "id", "The id of the session.", uuid())
        .required(Required::True)
        .example(Some(json!("01900000-0000-7000-8000-000000000002")))
        .build()
}

/// The name of a role in the path.
pub(super) fn role_name() -> Parameter {
    parameter(ParameterIn::Path, "name", "The name of the role.", text())
        .required(Required::True)
        .example(Some(json!("support")))
        .build()
}

/// The version that a change is meant for.
pub(super) fn if_match() -> Parameter {
    let description = "The `ETag` of the version that is to be changed: another one is refused. Several are tried in \
                       turn, eight at most; `*` is any.";
    parameter(ParameterIn::Header, "If-Match", description, text()).build()
}

/// A parameter of the query, which may be left out.
pub(crate) fn in_query(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    parameter(ParameterIn::Query, name, description, schema).build()
}

/// Values of one parameter of the query, separated by commas.
pub(crate) fn list_in_query(name: &str, description: &str, most: usize, item: ObjectBuilder) -> Parameter {
    let list = ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(most));
    parameter(ParameterIn::Query, name, description, list)
        .style(Some(ParameterStyle::Form))
        .explode(Some(false))
        .build()
}

fn parameter(place: ParameterIn, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .parameter_in(place)
        .name(name)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(crate) fn uuid() -> ObjectBuilder {
    text().format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

pub(crate) fn moment() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

pub(crate) fn flag() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).default(Some(json!(false)))
}

/// The parameters that every list in pages has.
pub(crate) fn of_pages() -> [Parameter; 3] {
    let size = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(100));
    [
        in_query("limit", "How many items the page may have.", size.default(Some(json!(20)))),
        in_query("cursor", "The `next_cursor` of the page before; all else but `limit` stays the same.", text()),
        in_query("include_total", "Whether to count all items, to 10,000 at most.", flag()),
    ]
}
