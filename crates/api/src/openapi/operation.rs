//! What is documented of one operation.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use usher_domain::FaultCode;
use utoipa::{
    ToSchema,
    openapi::{
        Content, ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
        SecurityRequirement, Tag as OpenApiTag,
        example::ExampleBuilder,
        path::{Operation as OpenApiOperation, OperationBuilder, Parameter},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::Type,
    },
};

use super::{
    Scheme,
    components::{ERROR_ENVELOPE, empty_envelope, envelope_of, example_of, schemas_of},
    parameters,
};
use crate::ErrorCode;

const SET_COOKIE: &str = "Set-Cookie";

/// The chapter that an operation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Authentication,
    OwnAccount,
    Users,
    Roles,
    Activity,
    Service,
}

impl Tag {
    pub(super) const ALL: [Self; 6] =
        [Self::Authentication, Self::OwnAccount, Self::Users, Self::Roles, Self::Activity, Self::Service];

    const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::OwnAccount => "own account",
            Self::Users => "users",
            Self::Roles => "roles",
            Self::Activity => "activity",
            Self::Service => "service",
        }
    }

    pub(super) fn describe(self) -> OpenApiTag {
        let description = match self {
            Self::Authentication => "Signing up, in and out.",
            Self::OwnAccount => "What everybody does with his own account.",
            Self::Users => "Other people's accounts.",
            Self::Roles => "Roles, and the permissions that they grant.",
            Self::Activity => "What happened: who did what, to whom, from where.",
            Self::Service => "The service itself: its keys, its health, its description.",
        };
        let mut tag = OpenApiTag::new(self.name());
        tag.description = Some(description.to_owned());
        tag
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody who is signed in.
    SignedIn,
    /// Somebody who is signed in and need not change his password first.
    Settled,
}

/// What is documented of one operation: what it takes, what it answers, with which codes it refuses.
#[derive(Clone)]
pub(crate) struct Operation {
    tag: Tag,
    summary: &'static str,
    description: Option<&'static str>,
    security: Vec<SecurityRequirement>,
    parameters: Vec<Parameter>,
    request: Option<RequestBody>,
    success: StatusCode,
    answer: Response,
    /// Whether the answer may also be that it will be done, later.
    may_be_accepted: bool,
    refusals: BTreeSet<ErrorCode>,
    clears_cookie_with_401: bool,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Operation {
    /// Answers with data in the envelope. What every operation can refuse with is understood.
    pub(crate) fn new<T: ToSchema>(tag: Tag, summary: &'static str, success: StatusCode) -> Self {
        let (envelope, schemas) = envelope_of::<T>();
        Self::enveloped(tag, summary, success, envelope, example_of::<T>().as_ref()).with_schemas(schemas)
    }

    /// Answers with an envelope around nothing.
    pub(crate) fn without_data(tag: Tag, summary: &'static str) -> Self {
        Self::empty(tag, summary, StatusCode::OK)
    }

    /// Answers with an envelope around nothing that it will be done, later.
    pub(crate) fn accepted(tag: Tag, summary: &'static str) -> Self {
        Self::empty(tag, summary, StatusCode::ACCEPTED)
    }

    fn empty(tag: Tag, summary: &'static str, success: StatusCode) -> Self {
        let (envelope, schema) = empty_envelope();
        Self::enveloped(tag, summary, success, envelope.clone(), None).with_schemas([(envelope, schema)])
    }

    fn enveloped(tag: Tag, summary: &'static str, success: StatusCode, envelope: String, data: Option<&Value>) -> Self {
        let content = json_content(Ref::from_schema_name(envelope), Some(success_example(data)));
        Self::bare(tag, summary, success, content)
    }

    fn with_schemas(mut self, schemas: impl IntoIterator<Item = (String, RefOr<Schema>)>) -> Self {
        self.schemas.extend(schemas);
        self
    }

    /// Answers with a document whose shape another standard fixes.
    pub(crate) fn document(tag: Tag, summary: &'static str, schema: ObjectBuilder, example: Option<Value>) -> Self {
        Self::bare(tag, summary, StatusCode::OK, json_content(schema.build(), example))
    }

    fn bare(tag: Tag, summary: &'static str, success: StatusCode, content: Content) -> Self {
        Self {
            tag,
            summary,
            description: None,
            security: Vec::new(),
            parameters: Vec::new(),
            request: None,
            success,
            answer: response(success, content),
            may_be_accepted: false,
            refusals: BTreeSet::new(),
            clears_cookie_with_401: false,
            schemas: Vec::new(),
        }
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::HeadersTooLarge,
            ErrorCode::Internal,
            ErrorCode::Timeout,
        ])
    }

    /// What else is to be known.
    pub(crate) fn describes(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    pub(crate) fn needs(mut self, caller: Caller) -> Self {
        self.security = vec![Scheme::Bearer.required()];
        let refused = self.refuses(&[ErrorCode::Unauthenticated, ErrorCode::Unavailable]);
        match caller {
            Caller::SignedIn => refused,
            Caller::Settled => refused.refuses(&[ErrorCode::PasswordChangeRequired]),
        }
    }

    /// Takes any of these, or none.
    pub(crate) fn may_show(mut self, schemes: &[Scheme]) -> Self {
        self.security = schemes.iter().map(|scheme| scheme.required()).collect();
        self.security.push(SecurityRequirement::default());
        self
    }

    /// Has the id of a user in its path.
    pub(crate) fn with_user_id(self) -> Self {
        self.with_parameters([parameters::user_id()]).refuses(&[ErrorCode::NotFound])
    }

    /// Has the id of a session in its path.
    pub(crate) fn with_session_id(self) -> Self {
        self.with_parameters([parameters::session_id()]).refuses(&[ErrorCode::NotFound])
    }

    /// Has the name of a role in its path.
    pub(crate) fn with_role_name(self) -> Self {
        self.with_parameters([parameters::role_name()]).refuses(&[ErrorCode::NotFound])
    }

    /// Takes parameters; those of the query may be left out.
    pub(crate) fn with_parameters(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Is done only to the version that the client names in `If-Match`, if he names one.
    pub(crate) fn conditional(self) -> Self {
        self.with_parameters([parameters::if_match()]).refuses(&[ErrorCode::VersionMismatch])
    }

    pub(crate) fn takes<T: ToSchema>(self) -> Self {
        self.with_body::<T>(Required::True)
    }

    /// Takes a body, or none.
    pub(crate) fn may_take<T: ToSchema>(self) -> Self {
        self.with_body::<T>(Required::False)
    }

    fn with_body<T: ToSchema>(mut self, required: Required) -> Self {
        let content = json_content(Ref::from_schema_name(T::name()), example_of::<T>());
        let request = RequestBodyBuilder::new().content("application/json", content);
        self.request = Some(request.required(Some(required)).build());
        self.with_schemas(schemas_of::<T>()).refuses(&[
            ErrorCode::MalformedRequest,
            ErrorCode::RequestTimeout,
            ErrorCode::PayloadTooLarge,
            ErrorCode::UnsupportedMediaType,
        ])
    }

    /// Says in `ETag` which version it answers with.
    pub(crate) fn versioned(mut self) -> Self {
        self.answer.headers.insert("ETag".to_owned(), text_header("The version, in quotation marks.").into());
        self
    }

    /// Says in `Location` where what it made is.
    pub(crate) fn locates(mut self) -> Self {
        self.answer.headers.insert("Location".to_owned(), text_header("The path of what was made.").into());
        self
    }

    /// Sets the cookie of the refresh token.
    pub(crate) fn sets_cookie(mut self, what: &str) -> Self {
        self.answer.headers.insert(SET_COOKIE.to_owned(), text_header(what).into());
        self
    }

    /// Clears the cookie of the refresh token where it refuses with 401.
    pub(crate) fn clears_cookie_with_401(mut self) -> Self {
        self.clears_cookie_with_401 = true;
        self
    }

    /// May also answer as [`accepted`](Self::accepted) operations do.
    pub(crate) fn may_be_accepted(mut self) -> Self {
        self.may_be_accepted = true;
        self.with_schemas([empty_envelope()])
    }

    /// Shows this as what it answers, where that is less than its schema has.
    pub(crate) fn answers_like(mut self, data: &Value) -> Self {
        for content in self.answer.content.values_mut() {
            if let RefOr::T(content) = content {
                content.example = Some(success_example(Some(data)));
            }
        }
        self
    }

    pub(crate) fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.refusals.extend(codes);
        self
    }

    /// In terms of OpenAPI; an alias is not for new clients.
    pub(super) fn describe(&self, id: String, is_alias: bool) -> OpenApiOperation {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(id))
            .tag(self.tag.name())
            .summary(Some(self.summary))
            .description(self.description)
            .request_body(self.request.clone())
            .response(self.success.as_str(), self.answer.clone());
        if self.may_be_accepted {
            let content = json_content(Ref::from_schema_name(empty_envelope().0), Some(success_example(None)));
            let accepted = response(StatusCode::ACCEPTED, content);
            operation = operation.response(StatusCode::ACCEPTED.as_str(), accepted);
        }
        for parameter in &self.parameters {
            operation = operation.parameter(parameter.clone());
        }
        for (status, codes) in self.refusals_by_status() {
            let mut refusal = refusal(status, &codes);
            if status == StatusCode::UNAUTHORIZED && self.clears_cookie_with_401 {
                let header = text_header("Clears the cookie, if the token came in it.");
                refusal.headers.insert(SET_COOKIE.to_owned(), header.into());
            }
            operation = operation.response(status.as_str(), refusal);
        }
        for requirement in &self.security {
            operation = operation.security(requirement.clone());
        }
        if is_alias {
            operation = operation.deprecated(Some(utoipa::openapi::Deprecated::True));
        }
        operation.build()
    }

    fn refusals_by_status(&self) -> BTreeMap<StatusCode, Vec<ErrorCode>> {
        let mut by_status = BTreeMap::<_, Vec<_>>::new();
        for &code in &self.refusals {
            by_status.entry(code.status()).or_default().push(code);
        }
        by_status
    }
}

fn response(status: StatusCode, content: Content) -> Response {
    let description = status.canonical_reason().unwrap_or_default();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

fn success_example(data: Option<&Value>) -> Value {
    json!({ "success": true, "data": data, "error": null })
}

fn json_content(schema: impl Into<RefOr<Schema>>, example: Option<Value>) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(example).build()
}

fn text_header(description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some(description.to_owned());
    header
}

/// What the details of a refusal can look like.
fn example_details(code: ErrorCode) -> Value {
    let detail =
        |field, code: FaultCode, message| json!([{ "field": field, "code": code.as_str(), "message": message }]);
    match code {
        ErrorCode::ValidationFailed => detail("username", FaultCode::TooShort, "must have at least 3 characters"),
        ErrorCode::WeakPassword => detail("password", FaultCode::MissingDigit, "must hold at least a digit"),
        ErrorCode::UsernameTaken => detail("username", FaultCode::Taken, "the username is taken"),
        ErrorCode::EmailTaken => detail("email", FaultCode::Taken, "the e-mail address is taken"),
        ErrorCode::UseDedicatedEndpoint => {
            detail("password", FaultCode::UnknownField, "has a route of its own, which asks for the current password")
        }
        ErrorCode::ExternalIdTaken => detail("external_id", FaultCode::Taken, "the external id is taken"),
        _ => json!([]),
    }
}

/// All codes of one status, each with its meaning and an example.
fn refusal(status: StatusCode, codes: &[ErrorCode]) -> Response {
    let meanings: Vec<_> = codes.iter().map(|code| format!("`{code}`: {}", code.summary())).collect();
    let examples = codes.iter().map(|code| {
        let error = json!({
            "code": code.as_str(),
            "message": code.summary(),
            "details": example_details(*code),
            "request_id": "01900000-0000-7000-8000-000000000003",
        });
        let example = json!({ "success": false, "data": null, "error": error });
        (code.as_str(), ExampleBuilder::new().summary(code.summary()).value(Some(example)).build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(ERROR_ENVELOPE))).examples_from_iter(examples).build();
    let mut response =
        ResponseBuilder::new().description(meanings.join("\n\n")).content("application/json", content).build();
    let header = match status {
        StatusCode::UNAUTHORIZED => Some(("WWW-Authenticate", "`Bearer`, with `error` if a token was sent.")),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(("Retry-After", "When to come back, in seconds."))
        }
        _ => None,
    };
    if let Some((name, description)) = header {
        response.headers.insert(name.to_owned(), text_header(description).into());
    }
    response
}
