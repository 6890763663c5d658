//! The schemas that all operations share, and the envelopes.

use serde_json::{Value, json};
use usher_domain::FaultCode;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, Components, ComponentsBuilder, ObjectBuilder, Ref, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use crate::ErrorCode;

pub(super) const ERROR_ENVELOPE: &str = "ErrorEnvelope";

/// The shape of every error answer.
pub(super) fn shared() -> Components {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let detail = ObjectBuilder::new()
        .property("field", text().description(Some("A dotted path into what was sent.")))
        .property("code", Ref::from_schema_name("DetailCode"))
        .property("message", text().description(Some("A sentence for people.")));
    let error = ObjectBuilder::new()
        .property("code", Ref::from_schema_name("ErrorCode"))
        .property("message", text().description(Some("A sentence for people.")))
        .property("details", ArrayBuilder::new().items(Ref::from_schema_name("ErrorDetail")))
        .property("request_id", text().description(Some("As in the header `X-Request-Id` and in the log.")));
    let envelope = ObjectBuilder::new()
        .property("success", constant(Type::Boolean, json!(false)))
        .property("data", null())
        .property("error", Ref::from_schema_name("ErrorBody"));
    ComponentsBuilder::new()
        .schema("ErrorCode", text().enum_values(Some(ErrorCode::ALL.iter().map(|code| code.as_str()))))
        .schema("DetailCode", text().enum_values(Some(FaultCode::ALL.iter().map(|code| code.as_str()))))
        .schema("ErrorDetail", all_required(detail, &["field", "code", "message"]))
        .schema("ErrorBody", all_required(error, &["code", "message", "details", "request_id"]))
        .schema(ERROR_ENVELOPE, all_required(envelope, &["success", "data", "error"]))
        .build()
}

/// The name of the envelope around an answer, and every schema that it needs.
pub(super) fn envelope_of<T: ToSchema>() -> (String, Vec<(String, RefOr<Schema>)>) {
    let mut schemas = schemas_of::<T>();
    let (name, envelope) = envelope(&T::name(), Ref::from_schema_name(T::name()));
    schemas.push((name.clone(), envelope));
    (name, schemas)
}

/// The envelope around nothing.
pub(super) fn empty_envelope() -> (String, RefOr<Schema>) {
    envelope("Empty", null())
}

fn envelope(name: &str, data: impl Into<RefOr<Schema>>) -> (String, RefOr<Schema>) {
    let envelope = ObjectBuilder::new()
        .property("success", constant(Type::Boolean, json!(true)))
        .property("data", data)
        .property("error", null());
    (format!("{name}Envelope"), all_required(envelope, &["success", "data", "error"]).into())
}

/// The schema of a type under its name, and those that it refers to.
pub(super) fn schemas_of<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}

/// The example that a type's schema carries.
pub(crate) fn example_of<T: PartialSchema>() -> Option<Value> {
    match T::schema() {
        RefOr::T(Schema::Object(schema)) => schema.example,
        RefOr::T(Schema::AllOf(schema)) => schema.example,
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

fn constant(of: Type, value: Value) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(of).enum_values(Some([value]))
}

fn null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null))
}

fn all_required(object: ObjectBuilder, fields: &[&str]) -> Schema {
    fields.iter().fold(object, |object, field| object.required(*field)).into()
}
