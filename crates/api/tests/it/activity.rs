//! The activity log over HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use usher_domain::Actor;

use crate::fixture::{TestApi, draft, keys};

const ALL: &str = "/api/v1/activity";
const MINE: &str = "/api/v1/users/me/activity";

fn of(user: impl std::fmt::Display) -> String {
    format!("/api/v1/users/{user}/activity")
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().clone()
}

fn actions(page: &Value) -> Vec<String> {
    items(page).iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn an_entry_tells_who_did_what_to_whom_from_where() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let ada = api.make(draft("ada")).await;
    let reason = json!({ "reason": "on leave" });
    let shut = api.post_as(&root, &format!("/api/v1/users/{}/deactivate", ada.id), &reason).await;
    let entry = items(&api.get_as(&root, ALL).await.data()).remove(0);
    let all = [
        "action",
        "actor_id",
        "details",
        "id",
        "ip",
        "occurred_at",
        "outcome",
        "request_id",
        "subject_id",
        "user_agent",
    ];
    assert_eq!(keys(&entry), all);
    let root_id = api.get_as(&root, "/api/v1/users/me").await.data()["id"].clone();
    let told = [&entry["action"], &entry["outcome"], &entry["actor_id"], &entry["subject_id"], &entry["details"]];
    assert_eq!(told, [&json!("user.deactivated"), &json!("success"), &root_id, &json!(ada.id), &reason]);
    assert_eq!(entry["request_id"], shut.header("x-request-id"));
}

#[actix_web::test]
async fn each_filter_lets_through_what_it_names() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let ada = api.make(draft("ada")).await.id;
    api.token("ada").await;
    api.clock.advance(Duration::from_secs(60));
    api.post("/api/v1/auth/login", &json!({ "identifier": "ada", "password": "wrong" })).await;
    let list = async |query: &str| actions(&api.get_as(&root, &format!("{ALL}?{query}")).await.data());
    assert_eq!(list("outcome=failure").await, ["auth.login"]);
    assert_eq!(list("from=2030-01-01T12:01:00Z").await, ["auth.login"]);
    assert_eq!(list("to=2030-01-01T12:00:00Z").await, Vec::<String>::new());
    assert_eq!(list(&format!("subject={ada}&action=user.created")).await, ["user.created"]);
    assert_eq!(list(&format!("actor={ada}")).await, ["auth.login"]);
    let some = list(&format!("subject={ada}&action=user.created,auth.login")).await;
    assert_eq!(some, ["auth.login", "auth.login", "user.created"]);
    assert_eq!(actions(&api.get_as(&root, &of(ada)).await.data()), some);
    assert_eq!(list("action=role.deleted").await, Vec::<String>::new());
}

#[actix_web::test]
async fn everybody_reads_what_is_about_himself_and_nothing_else() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let id = api.make(draft("ada")).await.id;
    let token = api.token("ada").await;
    for path in [MINE.to_owned(), of(id)] {
        let page = api.get_as(&token, &path).await.data();
        assert!(!items(&page).is_empty());
        assert!(items(&page).iter().all(|item| item["subject_id"] == json!(id)), "{page}");
    }
    let root_id = api.get_as(&root, "/api/v1/users/me").await.data()["id"].as_str().unwrap().to_owned();
    let missing = "00000000-0000-7000-8000-000000000000";
    for path in [ALL.to_owned(), format!("{ALL}?subject={id}&actor={root_id}"), of(&root_id), of(missing)] {
        let answer = api.get_as(&token, &path).await;
        if path.contains("subject") {
            assert_eq!(answer.status, 200, "about himself, whoever did it");
        } else {
            answer.assert_refused(403, "FORBIDDEN");
        }
    }
    let reader = api.with_permissions("reader", &["activity:read"]).await;
    assert_eq!(api.get_as(&reader, ALL).await.status, 200);
    assert_eq!(items(&api.get_as(&reader, &of(missing)).await.data()), Vec::<Value>::new());
}

#[actix_web::test]
async fn entries_of_somebody_deleted_for_good_stay_with_his_id_alone() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let ada = api.make(draft("ada")).await.id;
    api.token("ada").await;
    api.state.users.purge_user(&Actor::system(), ada, None).await.unwrap();
    let page = api.get_as(&root, &of(ada)).await.data();
    assert_eq!(actions(&page), ["user.purged", "auth.login", "user.created"]);
    for item in items(&page).iter().skip(1) {
        assert_eq!([&item["ip"], &item["user_agent"], &item["details"]], [&Value::Null, &Value::Null, &json!({})]);
    }
}

#[actix_web::test]
async fn pages_make_up_the_whole_list_once_and_cursors_belong_to_their_list() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    for n in 0..7 {
        api.make(draft(&format!("user{n}"))).await;
    }
    let whole = api.get_as(&root, &format!("{ALL}?limit=100&include_total=true")).await.data();
    assert_eq!(whole["total"], json!(items(&whole).len()));
    let (mut walked, mut query) = (Vec::new(), "limit=3".to_owned());
    let mut first_cursor = None;
    loop {
        let page = api.get_as(&root, &format!("{ALL}?{query}")).await.data();
        walked.extend(items(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        first_cursor.get_or_insert(cursor.to_owned());
        query = format!("limit=3&cursor={cursor}");
    }
    assert_eq!(walked, items(&whole));

    let cursor = first_cursor.unwrap();
    let other = items(&whole)[0]["subject_id"].as_str().unwrap().to_owned();
    for path in [
        format!("{ALL}?action=user.created&cursor={cursor}"),
        format!("{ALL}?subject={other}&cursor={cursor}"),
        format!("{}?cursor={cursor}", of(&other)),
        format!("{ALL}?cursor={cursor}A"),
        format!("{ALL}?cursor=nonsense"),
        format!("{ALL}?cursor="),
    ] {
        api.get_as(&root, &path).await.assert_refused(400, "INVALID_CURSOR");
    }
}

#[actix_web::test]
async fn what_cannot_be_asked_for_is_refused() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    for (query, field, code) in [
        ("action=user.flown", "action.0", "unknown_value"),
        ("action=user.created,", "action.1", "unknown_value"),
        ("outcome=maybe", "outcome", "unknown_value"),
        ("subject=ada", "subject", "invalid_format"),
        ("actor=1", "actor", "invalid_format"),
        ("from=yesterday", "from", "invalid_format"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("sort=action", "sort", "unknown_field"),
    ] {
        api.get_as(&root, &format!("{ALL}?{query}")).await.assert_invalid(field, code);
    }
    api.get_as(&root, &format!("{MINE}?subject=00000000-0000-7000-8000-000000000000"))
        .await
        .assert_invalid("subject", "unknown_field");
}

/// Proves: OP-06
#[actix_web::test]
async fn nobody_changes_the_log() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let id = items(&api.get_as(&root, ALL).await.data())[0]["id"].as_str().unwrap().to_owned();
    for path in [ALL, MINE] {
        api.post_as(&root, path, &json!({})).await.assert_refused(405, "METHOD_NOT_ALLOWED");
        api.put_as(&root, path, &json!({})).await.assert_refused(405, "METHOD_NOT_ALLOWED");
        api.patch_as(&root, path, &json!({})).await.assert_refused(405, "METHOD_NOT_ALLOWED");
        api.delete_as(&root, path).await.assert_refused(405, "METHOD_NOT_ALLOWED");
    }
    api.delete_as(&root, &format!("{ALL}/{id}")).await.assert_refused(404, "NOT_FOUND");
}
