use std::sync::Arc;

use actix_web::{http::Method, test::TestRequest};
use usher_api::{ReadinessProbe, async_trait};

use crate::fixture::TestApi;

struct WithoutDatabase;

#[async_trait]
impl ReadinessProbe for WithoutDatabase {
    async fn unready(&self) -> Vec<&'static str> {
        vec!["database", "migrations"]
    }
}

/// Proves: IN-14
#[actix_web::test]
async fn readiness_names_what_is_missing_and_liveness_does_not_care() {
    let api = TestApi::with(|state| state.readiness = Arc::new(WithoutDatabase)).await;
    let ready = api.get("/health/ready").await;
    ready.assert_refused(503, "UNAVAILABLE");
    assert_eq!(ready.message(), "not ready: database, migrations");
    assert_eq!(ready.header("retry-after"), "1");
    assert_eq!(api.get("/health/live").await.status, 200);
}

/// Proves: IN-14
#[actix_web::test]
async fn health_tells_that_all_is_well_and_no_more() {
    let api = TestApi::new().await;
    for path in ["/health/live", "/health/ready", "/health/live/", "/health/ready/"] {
        assert_eq!(api.get(path).await.text(), r#"{"success":true,"data":{"status":"ok"},"error":null}"#);
        let head = api.call(TestRequest::with_uri(path).method(Method::HEAD)).await;
        assert_eq!(head.status, 200);
    }
}
