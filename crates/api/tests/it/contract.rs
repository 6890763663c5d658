//! The document holds the API to its word: every answer that any test sees must be in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use actix_web::{http::Method, test::TestRequest};
use serde_json::{Value, json};
use usher_api::{ApiSettings, ErrorCode, openapi};
use usher_domain::MailKind;

use crate::{
    fixture::{Answer, TestApi, bearer, keys, with_cookie},
    post::ADA,
};

pub(crate) fn document(base_path: &str) -> Value {
    static USUAL: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(openapi("/api/v1")).unwrap());
    if base_path == "/api/v1" { USUAL.clone() } else { serde_json::to_value(openapi(base_path)).unwrap() }
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

fn matches(template: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(path).all(|(expected, found)| expected.starts_with('{') || *expected == found)
}

/// That the document has the status of the answer, and the code. Methods and paths that it does not
/// know are those of which it promises nothing.
pub(crate) fn assert_documented(settings: &ApiSettings, method: &Method, path: &str, answer: &Answer) {
    if !settings.docs {
        return;
    }
    let document = document(&settings.base_path);
    let templates = keys(&document["paths"]).into_iter().filter(|template| matches(template, path));
    let Some(template) = templates.min_by_key(|template| template.contains('{')) else { return };
    let operation = &document["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        return;
    }
    let response = &operation["responses"][answer.status.as_str()];
    assert!(response.is_object(), "{method} {path}: {} is not documented: {answer:?}", answer.status);
    for header in ["set-cookie", "etag", "location", "retry-after", "www-authenticate"] {
        let documented = response["headers"].as_object().into_iter().flat_map(|headers| headers.keys());
        let is_documented = documented.into_iter().any(|name| name.eq_ignore_ascii_case(header));
        let is_there = answer.headers.contains_key(header);
        assert!(is_documented || !is_there, "{method} {path}: {header} is not documented: {answer:?}");
    }
    if !answer.status.is_success() && method != Method::HEAD {
        let codes = &response["content"]["application/json"]["examples"];
        assert!(codes[answer.code()].is_object(), "{method} {path}: {} is not documented", answer.code());
    }
}

#[actix_web::test]
async fn the_document_is_openapi_3_1_and_the_same_that_is_served() {
    let api = TestApi::new().await;
    let served = api.get("/openapi.json").await;
    assert_eq!((served.status.as_u16(), served.header("content-type")), (200, "application/json"));
    assert_eq!(served.json(), document("/api/v1"));
    assert_eq!(served.json()["openapi"], "3.1.0");
    assert_eq!(api.get("/openapi.json").await.body, served.body);
}

#[test]
fn every_operation_has_what_clients_are_made_from() {
    let document = document("/api/v1");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id.clone()), "{id} is there twice");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{id}");
        assert_eq!(id.ends_with("_alias"), operation["deprecated"] == true, "{id}");
        let in_path: Vec<_> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let documented = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path.len(), documented, "{id}");
        for parameter in parameters {
            assert!(parameter["schema"].is_object() && parameter["description"].is_string(), "{id} {parameter}");
            assert_eq!(parameter["required"], parameter["in"] == "path", "{id} {parameter}");
        }
        if matches!(method.as_str(), "POST" | "PUT" | "PATCH") && id != "send_reset" {
            let body = &operation["requestBody"]["content"]["application/json"];
            assert!(body["example"].is_object(), "{id} has no example of a request");
            assert!(body["schema"]["$ref"].is_string(), "{id}: the schema of the request has no name");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &response["content"]["application/json"];
            if status.starts_with('2') {
                let exempt = path.ends_with(".json");
                assert!(exempt || content["schema"]["$ref"].as_str().unwrap().ends_with("Envelope"), "{id} {status}");
                assert!(path == "/openapi.json" || content["example"].is_object(), "{id} {status} has no example");
                continue;
            }
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/ErrorEnvelope", "{id} {status}");
            for code in keys(&content["examples"]) {
                let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code).unwrap();
                assert_eq!(known.status().as_str(), status, "{id} {code}");
                assert_eq!(content["examples"][code]["value"]["error"]["code"], code);
            }
        }
    }
    assert!(ids.contains("login") && ids.contains("login_alias") && ids.contains("health_live_head"), "{ids:?}");
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_referred_to() {
    fn collect<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    found.insert(target.strip_prefix("#/components/schemas/").unwrap());
                }
                fields.values().for_each(|value| collect(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document("/api/v1");
    let mut referred = BTreeSet::new();
    collect(&document, &mut referred);
    let defined: BTreeSet<_> = keys(&document["components"]["schemas"]).into_iter().collect();
    assert_eq!(referred, defined);
}

#[test]
fn paths_carry_the_base_path_and_what_stands_beside_it_does_not() {
    for base_path in ["", "/id"] {
        let document = document(base_path);
        let paths = keys(&document["paths"]);
        assert!(paths.contains(&format!("{base_path}/users/me").as_str()), "{paths:?}");
        assert!(paths.contains(&"/.well-known/jwks.json"), "{paths:?}");
    }
}

#[test]
fn authorize_is_a_bearer_scheme_and_exactly_the_routes_that_need_a_token_ask_for_it() {
    let document = document("/api/v1");
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(keys(schemes), ["bearer", "refresh_cookie"]);
    assert_eq!((&schemes["bearer"]["type"], &schemes["bearer"]["scheme"]), (&json!("http"), &json!("bearer")));
    let cookie = &schemes["refresh_cookie"];
    assert_eq!(
        (&cookie["type"], &cookie["in"], &cookie["name"]),
        (&json!("apiKey"), &json!("cookie"), &json!("__Host-refresh_token"))
    );
    for (method, path, operation) in operations(&document) {
        let expected = match path.as_str() {
            "/api/v1/auth/signup" | "/api/v1/auth/login" | "/api/v1/users/login" => Value::Null,
            "/api/v1/auth/verify-email" | "/api/v1/auth/reset-password" | "/api/v1/users/reset-password" => Value::Null,
            "/api/v1/auth/reset-password/confirm" | "/api/v1/users/reset-password/confirm" => Value::Null,
            "/api/v1/auth/verify-email/request" => json!([{ "bearer": [] }, {}]),
            "/api/v1/auth/refresh" | "/api/v1/auth/refresh_token" => json!([{ "refresh_cookie": [] }, {}]),
            "/api/v1/auth/logout" => json!([{ "bearer": [] }, { "refresh_cookie": [] }, {}]),
            "/api/v1/users" if method == "POST" => json!([{ "bearer": [] }, {}]),
            path if path.starts_with("/api/v1") => json!([{ "bearer": [] }]),
            _ => Value::Null,
        };
        assert_eq!(operation["security"], expected, "{path}");
        let refusals = &operation["responses"]["401"]["content"]["application/json"]["examples"];
        assert_eq!(refusals["UNAUTHENTICATED"].is_object(), refuses_bad_token(&operation), "{path}");
    }
}

/// Whether an access token opens an operation, and nothing else does.
fn needs_token(operation: &Value) -> bool {
    operation["security"] == json!([{ "bearer": [] }])
}

/// Whether an access token must be a good one if there is one.
fn refuses_bad_token(operation: &Value) -> bool {
    needs_token(operation) || operation["security"] == json!([{ "bearer": [] }, {}])
}

/// Proves: AZ-01
#[actix_web::test]
async fn every_documented_operation_exists_and_is_shut_to_strangers_unless_it_says_otherwise() {
    let api = TestApi::new().await;
    for (method, template, operation) in operations(&document("/api/v1")) {
        let path = template.replace("{id}", "01900000-0000-7000-8000-000000000001").replace("{name}", "support");
        for (token, challenge) in [(None, "Bearer"), (Some("no.such.token"), r#"Bearer error="invalid_token""#)] {
            let mut request = TestRequest::with_uri(&path).method(method.parse().unwrap());
            if let Some(token) = token {
                request = bearer(request, token);
            }
            let answer = api.call(request).await;
            assert!(!matches!(answer.status.as_u16(), 404 | 405), "{method} {path}: {answer:?}");
            let is_shut = answer.status == 401 && answer.code() == "UNAUTHENTICATED";
            let expected = if token.is_some() { refuses_bad_token(&operation) } else { needs_token(&operation) };
            assert_eq!(is_shut, expected, "{method} {path}: {answer:?}");
            if is_shut {
                assert_eq!(answer.header("www-authenticate"), challenge);
            }
        }
    }
}

#[actix_web::test]
async fn every_route_is_in_the_document() {
    let api = TestApi::new().await;
    let document = document("/api/v1");
    let documented = operations(&document);
    let mut allowed = BTreeMap::<String, BTreeSet<String>>::new();
    for (method, path, _) in &documented {
        allowed.entry(path.clone()).or_default().insert(method.clone());
    }
    for (template, methods) in allowed {
        let path = template.replace("{id}", "01900000-0000-7000-8000-000000000001");
        let answer = api.call(TestRequest::with_uri(&path).method(Method::TRACE)).await;
        answer.assert_refused(405, "METHOD_NOT_ALLOWED");
        let served: BTreeSet<_> = answer.header("allow").split(", ").map(str::to_owned).collect();
        assert_eq!(served, methods, "{template}");
    }
}

#[actix_web::test]
async fn the_examples_work_and_answers_look_as_they_say() {
    let document = document("/api/v1");
    let mut tried = 0;
    for (method, template, operation) in operations(&document) {
        let api = TestApi::new().await;
        let ada = api.make_with_address("ada", ADA).await.id;
        let browser = api.sign_in("ada").await;
        let admin = api.admin("root").await;
        let of_ada = |what: &str| format!("/api/v1/users/{ada}{what}");
        let token = if template.ends_with("/me") || template.contains("/me/") { api.token("ada").await } else { admin };
        if template.ends_with("/activate") {
            assert_eq!(api.post_nothing_as(&token, &of_ada("/deactivate")).await.status, 200);
        }
        if template.ends_with("/restore") {
            assert_eq!(api.delete_as(&token, &of_ada("")).await.status, 200);
        }
        let id = if template.contains("/sessions/{id}") { browser.session.to_string() } else { ada.to_string() };
        if template.ends_with("{name}") {
            api.add_role("support", &[]).await;
        }
        let path = template.replace("{id}", &id).replace("{name}", "support");
        let mut request = bearer(TestRequest::with_uri(&path).method(method.parse().unwrap()), &token);
        if template.starts_with("/api/v1/auth/refresh") {
            request = with_cookie(request, &browser.cookie);
        }
        let mut body = operation["requestBody"]["content"]["application/json"]["example"].clone();
        if body["token"].is_string() {
            body["token"] = json!(mailed_token_for(&api, &template).await);
        }
        if !body.is_null() {
            request = request.set_json(body);
        }
        let answer = api.call(request).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        let shown = &operation["responses"][answer.status.as_str()]["content"]["application/json"]["example"];
        if shown["success"] == true && method != "HEAD" {
            assert_eq!(fields(&answer.data()), fields(&shown["data"]), "{path}");
            tried += 1;
        }
    }
    assert!(tried > 15, "{tried}");
}

/// A token of the kind that an operation takes.
async fn mailed_token_for(api: &TestApi, template: &str) -> String {
    let (path, kind) = match template {
        "/api/v1/auth/verify-email" => ("/api/v1/auth/verify-email/request", MailKind::VerifyEmail),
        _ => ("/api/v1/auth/reset-password", MailKind::ResetPassword),
    };
    assert_eq!(api.post(path, &json!({ "email": ADA })).await.status, 202);
    api.mailed_token(kind).await
}

/// The names of the fields of an object; none of null.
fn fields(value: &Value) -> Vec<&str> {
    if value.is_null() { Vec::new() } else { keys(value) }
}

#[test]
fn schemas_and_examples_of_answers_have_the_same_fields_all_of_them_required() {
    let document = document("/api/v1");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in ["UserRead", "SessionRead", "RoleRead", "PermissionRead", "ActivityRead", "Health"] {
        let schema = &schemas[name];
        let mut required: Vec<_> = schema["required"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
        required.sort_unstable();
        assert_eq!(keys(&schema["properties"]), required, "{name}");
        assert_eq!(keys(&schema["example"]), required, "{name}");
    }
    let token = &schemas["Token"];
    assert_eq!(token["required"], json!(["access_token", "token_type", "expires_in", "session_id"]));
    let optional = ["refresh_expires_in", "refresh_token"];
    assert!(optional.iter().all(|field| token["properties"][field].is_object()), "{token}");
    assert_eq!(keys(&token["properties"]).len(), 4 + optional.len());
}
