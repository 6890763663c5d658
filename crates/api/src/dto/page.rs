use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use crate::openapi::example_of;

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub total_capped: bool,
}

impl<T> Page<T> {
    /// A list that is short enough to come whole.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None, total: None, total_capped: false }
    }
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let of_type = |of| ObjectBuilder::new().schema_type(of);
        let text_or_null = SchemaType::from_iter([Type::String, Type::Null]);
        let mut page = ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .property(
                "next_cursor",
                of_type(text_or_null).description(Some("The `cursor` of the next page; `null` on the last.")),
            )
            .property(
                "total",
                of_type(Type::Integer.into())
                    .minimum(Some(0))
                    .maximum(Some(10_000))
                    .description(Some("How many items all pages have, if `include_total` asked for it.")),
            )
            .property(
                "total_capped",
                of_type(Type::Boolean.into())
                    .enum_values(Some([true]))
                    .description(Some("That there are more than `total`, which counts no further.")),
            )
            .required("items")
            .required("next_cursor")
            .build();
        page.example = Some(json!({ "items": [example_of::<T>()], "next_cursor": null }));
        page.into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
