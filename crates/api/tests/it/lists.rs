use std::time::Duration;

use serde_json::Value;
use usher_domain::{Actor, UserId};
use usher_service::UserDraft;

use crate::{
    contract,
    fixture::{Answer, TestApi, draft, keys},
};

const USERS: &str = "/api/v1/users";

/// Every character escaped that is not plain.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

pub(crate) fn names(answer: &Answer) -> Vec<String> {
    let data = answer.data();
    let items = data["items"].as_array().unwrap();
    items.iter().map(|item| item["username"].as_str().unwrap().to_owned()).collect()
}

/// Some people, one made a second after the other, and an administrator who was there before them.
pub(crate) async fn with_people() -> (TestApi, String) {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    for (username, email, full_name, external_id) in [
        ("ada", "ada@example.org", "Ada Lovelace", "crm-1"),
        ("grace", "grace@navy.example", "Grace Hopper", "crm-2"),
        ("Alan", "alan@example.org", "Alan Turing", "crm-3"),
        ("barbara", "barbara@example.org", "Adele Goldberg", "crm-4"),
    ] {
        api.clock.advance(Duration::from_secs(1));
        api.make(UserDraft {
            email: Some(email.to_owned()),
            full_name: Some(full_name.to_owned()),
            external_id: Some(external_id.to_owned()),
            ..draft(username)
        })
        .await;
    }
    (api, admin)
}

async fn found(api: &TestApi, admin: &str, query: &str) -> Vec<String> {
    names(&api.get_as(admin, &format!("{USERS}?{query}")).await)
}

#[actix_web::test]
async fn a_list_is_a_page_of_accounts_the_newest_first() {
    let (api, admin) = with_people().await;
    let answer = api.get_as(&admin, USERS).await;
    assert_eq!(keys(&answer.data()), ["items", "next_cursor"]);
    assert_eq!(answer.data()["next_cursor"], Value::Null);
    assert_eq!(names(&answer), ["barbara", "Alan", "grace", "ada", "root"]);
    let id = answer.data()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.data()["items"][0], api.get_as(&admin, &format!("{USERS}/{id}")).await.data());
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[actix_web::test]
async fn every_filter_does_what_it_says_and_all_of_them_must_hold() {
    let (api, admin) = with_people().await;
    let ids: Vec<_> = {
        let data = api.get_as(&admin, USERS).await.data();
        data["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("username=ADA".to_owned(), vec!["ada"]),
        ("username=nobody".to_owned(), vec![]),
        ("email=Grace%40navy.example".to_owned(), vec!["grace"]),
        ("external_id=crm-3".to_owned(), vec!["Alan"]),
        (format!("ids={},{}", ids[0], ids[3].to_uppercase()), vec!["barbara", "ada"]),
        (format!("ids={},{}", ids[0], UserId::generate(&*api.state.environment.ids)), vec!["barbara"]),
        ("role=admin".to_owned(), vec!["root"]),
        ("role=user".to_owned(), vec!["barbara", "Alan", "grace", "ada"]),
        ("role=nobody-has-it".to_owned(), vec![]),
        ("status=deactivated".to_owned(), vec![]),
        ("created_after=2030-01-01T12:00:03Z".to_owned(), vec!["barbara", "Alan"]),
        ("created_after=2030-01-01T14:00:03%2B02:00".to_owned(), vec!["barbara", "Alan"]),
        ("created_before=2030-01-01T12:00:02Z".to_owned(), vec!["ada", "root"]),
        ("created_after=2030-01-01T12:00:01Z&created_before=2030-01-01T12:00:02Z".to_owned(), vec!["ada"]),
        ("role=user&created_before=2030-01-01T12:00:02Z".to_owned(), vec!["ada"]),
        ("sort=created_at".to_owned(), vec!["root", "ada", "grace", "Alan", "barbara"]),
        ("sort=-created_at".to_owned(), vec!["barbara", "Alan", "grace", "ada", "root"]),
        ("sort=username".to_owned(), vec!["ada", "Alan", "barbara", "grace", "root"]),
        ("sort=-username".to_owned(), vec!["root", "grace", "barbara", "Alan", "ada"]),
        ("q=ad".to_owned(), vec!["ada", "barbara"]),
        ("q=AD&role=user&limit=1".to_owned(), vec!["ada"]),
        ("q=gr".to_owned(), vec!["grace"]),
        ("q=lovelace".to_owned(), vec![]),
        (String::new(), vec!["barbara", "Alan", "grace", "ada", "root"]),
    ] {
        assert_eq!(found(&api, &admin, &query).await, expected, "{query}");
    }
}

/// Proves: AZ-09
#[actix_web::test]
async fn the_size_of_a_page_is_1_to_100() {
    let (api, admin) = with_people().await;
    for (limit, items) in [("1", 1), ("3", 3), ("100", 5), ("007", 5)] {
        assert_eq!(found(&api, &admin, &format!("limit={limit}")).await.len(), items, "{limit}");
    }
    for limit in ["0", "101", "-1", "-0", "99999999999999999999"] {
        api.get_as(&admin, &format!("{USERS}?limit={limit}")).await.assert_invalid("limit", "out_of_range");
    }
    for limit in ["", "-", "x", "1.0", "1e1", "0x10", "%2B5", "+5", "5%20", "٣", "1,2", "null"] {
        let answer = api.get_as(&admin, &format!("{USERS}?limit={}", limit.replace('٣', "%D9%A3"))).await;
        answer.assert_invalid("limit", "wrong_type");
    }
}

/// Proves: AZ-09
#[actix_web::test]
async fn bad_values_are_refused_with_the_field_and_the_reason() {
    let (api, admin) = with_people().await;
    let many_ids = vec![UserId::generate(&*api.state.environment.ids).to_string(); 101].join(",");
    for (query, field, code) in [
        ("q=a", "q", "too_short"),
        ("q=", "q", "too_short"),
        ("q=a%00b", "q", "invalid_format"),
        ("username=x", "username", "too_short"),
        ("username=a%20b", "username", "invalid_format"),
        ("email=nobody", "email", "invalid_format"),
        ("external_id=", "external_id", "too_short"),
        ("external_id=%00", "external_id", "invalid_format"),
        ("ids=", "ids.0", "invalid_format"),
        ("ids=1", "ids.0", "invalid_format"),
        ("ids=01900000-0000-7000-8000-000000000001,", "ids.1", "invalid_format"),
        (&format!("ids={many_ids}"), "ids", "too_long"),
        ("role=No!", "role", "invalid_format"),
        ("status=gone", "status", "unknown_value"),
        ("status=Active", "status", "unknown_value"),
        ("created_after=yesterday", "created_after", "invalid_format"),
        ("created_after=2030-01-01T12:00:00+02:00", "created_after", "invalid_format"),
        ("created_before=2030-13-01T12:00:00Z", "created_before", "invalid_format"),
        ("created_before=1893499200", "created_before", "invalid_format"),
        ("sort=email", "sort", "unknown_value"),
        ("sort=%2Bcreated_at", "sort", "unknown_value"),
        ("sort=--created_at", "sort", "unknown_value"),
        ("sort=username,created_at", "sort", "unknown_value"),
        ("sort=", "sort", "unknown_value"),
        ("q=ada&sort=username", "sort", "unknown_field"),
        ("include_total=1", "include_total", "wrong_type"),
        ("include_total=True", "include_total", "wrong_type"),
        ("include_total", "include_total", "wrong_type"),
        ("limit=5&limit=5", "limit", "invalid_format"),
        ("cursor=a&cursor=a", "cursor", "invalid_format"),
        ("username=%FF%FE%FD", "username", "invalid_format"),
        ("q=%FF%FF", "q", "invalid_format"),
        ("page=2", "page", "unknown_field"),
        ("offset=20", "offset", "unknown_field"),
        ("Limit=5", "Limit", "unknown_field"),
        ("limit%00=5", "limit\0", "unknown_field"),
        ("=x", "", "unknown_field"),
        ("password=x", "password", "unknown_field"),
        ("ids[]=x", "ids[]", "unknown_field"),
    ] {
        api.get_as(&admin, &format!("{USERS}?{query}")).await.assert_invalid(field, code);
    }
}

#[actix_web::test]
async fn all_faults_of_a_query_are_told_at_once_and_no_value_is_repeated() {
    let (api, admin) = with_people().await;
    let query = "access_token=s3cret&q=s&sort=s3cret&limit=0&username=s3cret!&ids=s3cret,x&status=s3cret&x=1&x=2\
                 &role=S3CRET&include_total=s3cret&created_after=s3cret&cursor=s3cret&email=s3cret";
    let answer = api.get_as(&admin, &format!("{USERS}?{query}")).await;
    answer.assert_refused(422, "VALIDATION_FAILED");
    assert!(!answer.text().to_lowercase().contains("s3cret"), "{answer:?}");
    let mut fields: Vec<_> = answer.details().into_iter().map(|(field, _)| field).collect();
    fields.sort_unstable();
    let expected = [
        "access_token",
        "created_after",
        "email",
        "ids.0",
        "ids.1",
        "include_total",
        "limit",
        "q",
        "role",
        "sort",
        "status",
        "username",
        "x",
    ];
    assert_eq!(fields, expected);
}

#[actix_web::test]
async fn the_document_names_exactly_the_parameters_that_are_read() {
    let (api, admin) = with_people().await;
    let document = contract::document("/api/v1");
    for (path, method, count) in [("/api/v1/users", "get", 13), ("/api/v1/users/{id}", "delete", 1)] {
        let parameters = document["paths"][path][method]["parameters"].as_array().unwrap().clone();
        let in_query: Vec<_> = parameters.iter().filter(|parameter| parameter["in"] == "query").collect();
        assert_eq!(in_query.len(), count, "{path}");
        let all: Vec<_> = in_query.iter().map(|one| format!("{}=!", one["name"].as_str().unwrap())).collect();
        let path = path.replace("{id}", "01900000-0000-7000-8000-000000000001");
        let request = actix_web::test::TestRequest::with_uri(&format!("{path}?{}", all.join("&")));
        let request = request.method(method.to_uppercase().parse().unwrap());
        let answer = api.call(crate::fixture::bearer(request, &admin)).await;
        answer.assert_refused(422, "VALIDATION_FAILED");
        let unknown: Vec<_> = answer.details().into_iter().filter(|(_, code)| code == "unknown_field").collect();
        let sort_goes_not_with_q = |(field, _): &(String, String)| field == "sort";
        assert!(unknown.iter().all(sort_goes_not_with_q), "{unknown:?}");
    }
}

#[actix_web::test]
async fn the_total_is_there_only_where_it_was_asked_for() {
    let (api, admin) = with_people().await;
    for (query, total) in [
        ("include_total=true", 5),
        ("include_total=true&limit=2", 5),
        ("include_total=true&q=ad", 2),
        ("include_total=true&role=admin", 1),
        ("include_total=true&username=nobody", 0),
    ] {
        let data = api.get_as(&admin, &format!("{USERS}?{query}")).await.data();
        assert_eq!(keys(&data), ["items", "next_cursor", "total"], "{query}");
        assert_eq!(data["total"], total, "{query}");
    }
    for query in ["include_total=false", "limit=2"] {
        assert_eq!(keys(&api.get_as(&admin, &format!("{USERS}?{query}")).await.data()), ["items", "next_cursor"]);
    }
}

#[actix_web::test]
async fn deleted_accounts_are_listed_only_where_they_are_asked_for_by_somebody_who_may_delete() {
    let (api, admin) = with_people().await;
    let reader = api.with_permissions("reader", &["users:read"]).await;
    let ada = api.state.users.get_by_username(&Actor::system(), &"ada".parse().unwrap()).await.unwrap().id;
    assert_eq!(api.delete_as(&admin, &format!("{USERS}/{ada}")).await.status, 200);
    for query in ["username=ada", "q=ada", &format!("ids={ada}"), "external_id=crm-1", "status=active&username=ada"] {
        assert!(found(&api, &admin, query).await.is_empty(), "{query}");
    }
    assert_eq!(found(&api, &admin, "status=deleted").await, ["ada"]);
    api.get_as(&reader, &format!("{USERS}?status=deleted")).await.assert_refused(403, "FORBIDDEN");
    assert_eq!(api.get_as(&reader, USERS).await.status, 200);
}

/// Proves: AZ-02
#[actix_web::test]
async fn a_list_is_for_those_who_may_read_accounts() {
    let (api, _) = with_people().await;
    let token = api.user("bob").await;
    for query in ["", "?username=ada", "?username=nobody", "?ids=01900000-0000-7000-8000-000000000001"] {
        api.get_as(&token, &format!("{USERS}{query}")).await.assert_refused(403, "FORBIDDEN");
        api.get(&format!("{USERS}{query}")).await.assert_refused(401, "UNAUTHENTICATED");
    }
    let writer = api.with_permissions("writer", &["users:write"]).await;
    api.get_as(&writer, USERS).await.assert_refused(403, "FORBIDDEN");
    let unsettled = api.unsettled("newcomer").await;
    api.get_as(&unsettled, USERS).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
}

/// Proves: AZ-09, IN-08, IN-10
#[actix_web::test]
async fn hostile_values_of_any_parameter_find_nobody_or_are_refused() {
    let (api, admin) = with_people().await;
    let parameters = [
        "q",
        "username",
        "email",
        "external_id",
        "ids",
        "role",
        "status",
        "created_after",
        "created_before",
        "sort",
        "limit",
        "cursor",
        "include_total",
    ];
    let hostile = [
        "' OR '1'='1".to_owned(),
        "'; DROP TABLE users; --".to_owned(),
        "\" OR \"\"=\"".to_owned(),
        "%%".to_owned(),
        "__".to_owned(),
        "a%".to_owned(),
        "ad_".to_owned(),
        "\\\\".to_owned(),
        "ad\\".to_owned(),
        "ad\0".to_owned(),
        "\0\0".to_owned(),
        "$1 $2 ?".to_owned(),
        "ad\u{10FFFF}".to_owned(),
        "\u{10FFFF}\u{10FFFF}".to_owned(),
        "\r\nSet-Cookie: a=b".to_owned(),
        "<script>alert(1)</script>".to_owned(),
        "x".repeat(10_000),
    ];
    for parameter in parameters {
        for value in &hostile {
            let answer = api.get_as(&admin, &format!("{USERS}?{parameter}={}", escaped(value))).await;
            match answer.status.as_u16() {
                200 => assert!(names(&answer).is_empty(), "{parameter}={value}: {answer:?}"),
                400 => assert_eq!((parameter, answer.code().as_str()), ("cursor", "INVALID_CURSOR")),
                422 => assert!(answer.details()[0].0.starts_with(parameter), "{parameter}={value}: {answer:?}"),
                other => panic!("{other} for {parameter}={value}: {answer:?}"),
            }
        }
    }
    let answer = api.get_as(&admin, &format!("{USERS}?{}=1", "x".repeat(10_000))).await;
    answer.assert_invalid(&"x".repeat(128), "unknown_field");
}
