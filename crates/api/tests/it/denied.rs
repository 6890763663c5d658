//! What is denied to somebody who is signed in.

use usher_domain::{Action, ActivityFilter, PageSize};
use usher_storage::ActivityQueries;

use crate::fixture::TestApi;

/// Proves: OP-05
#[actix_web::test]
async fn it_is_written_down_once_a_minute_for_each_route() {
    let api = TestApi::new().await;
    let token = api.user("bob").await;
    let id = "00000000-0000-7000-8000-000000000000";
    for _ in 0..3 {
        assert_eq!(api.get_as(&token, "/api/v1/users").await.status, 403);
        assert_eq!(api.get_as(&token, &format!("/api/v1/users/{id}")).await.status, 403);
        assert_eq!(api.get("/api/v1/users").await.status, 401);
        assert_eq!(api.get_as(&token, "/api/v1/users/me").await.status, 200);
    }
    let filter = ActivityFilter { actions: vec![Action::AuthAccessDenied], ..ActivityFilter::default() };
    let entries = api.backend.activity_latest(&filter, PageSize::MAX).await.unwrap();
    let mut routes: Vec<_> = entries.iter().map(|entry| entry.details.fields()["route"].clone()).collect();
    routes.sort_by_key(ToString::to_string);
    assert_eq!(routes, ["GET /api/v1/users", "GET /api/v1/users/{id}"], "the template, not what was asked for");
}
