use std::{collections::BTreeSet, time::Duration};

use actix_web::rt::System;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use proptest::{
    prelude::{Strategy, any, prop},
    prop_oneof,
    test_runner::{Config, TestRunner},
};
use serde_json::Value;
use usher_service::UserDraft;

use crate::{
    fixture::{TestApi, draft},
    lists::{escaped, names, with_people},
};

const USERS: &str = "/api/v1/users";

/// The cursor at the end of a page; empty after the last.
async fn next_cursor(api: &TestApi, admin: &str, query: &str) -> String {
    let data = api.get_as(admin, &format!("{USERS}?{query}")).await.data();
    data["next_cursor"].as_str().unwrap_or_default().to_owned()
}

async fn refused(api: &TestApi, admin: &str, query: &str, cursor: &str) {
    let answer = api.get_as(admin, &format!("{USERS}?{query}&cursor={}", escaped(cursor))).await;
    answer.assert_refused(400, "INVALID_CURSOR");
    assert!(answer.details().is_empty());
}

/// Twenty-three people, some of them made in one moment.
async fn with_a_crowd() -> (TestApi, String) {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    for i in 0..22 {
        if i % 3 == 0 {
            api.clock.advance(Duration::from_micros(1));
        }
        let username = format!("{}{i}", ["max", "MAXI", "bob"][i % 3]);
        let full_name = Some(["Maxine Doe", "Max Doe", "Jane Doe"][i / 8].to_owned());
        api.make(UserDraft { email: Some(format!("max{i}@example.org")), full_name, ..draft(&username) }).await;
    }
    (api, admin)
}

#[actix_web::test]
async fn pages_of_any_size_make_up_the_whole_list_once() {
    let (api, admin) = with_a_crowd().await;
    for query in
        ["", "sort=created_at", "sort=username", "sort=-username", "q=max", "role=user&sort=username", "q=jane"]
    {
        let whole = names(&api.get_as(&admin, &format!("{USERS}?limit=100&{query}")).await);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len(), "{query}");
        for sizes in [[1, 1], [2, 5], [7, 3], [22, 23]] {
            let (mut gathered, mut cursor, mut sizes) = (Vec::new(), None::<String>, sizes.into_iter().cycle());
            loop {
                let limit = sizes.next().unwrap();
                let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
                let page = api.get_as(&admin, &format!("{USERS}?limit={limit}&{query}{from}")).await;
                let items = names(&page);
                assert!(items.len() <= limit);
                gathered.extend(items);
                match page.data()["next_cursor"].as_str() {
                    Some(next) => cursor = Some(next.to_owned()),
                    None => break,
                }
                assert!(gathered.len() <= whole.len(), "{query}");
            }
            assert_eq!(gathered, whole, "{query}");
        }
    }
}

#[actix_web::test]
async fn whoever_comes_and_goes_between_pages_moves_nobody_else() {
    let (api, admin) = with_people().await;
    let cursor = next_cursor(&api, &admin, "sort=username&limit=2").await;
    api.make(draft("aaa")).await;
    api.make(draft("carol")).await;
    let rest = api.get_as(&admin, &format!("{USERS}?sort=username&cursor={cursor}")).await;
    assert_eq!(names(&rest), ["barbara", "carol", "grace", "root"]);
}

#[actix_web::test]
async fn a_cursor_is_plain_text_for_a_url() {
    let (api, admin) = with_people().await;
    for query in ["limit=1", "limit=1&sort=username", "limit=1&q=ad"] {
        let cursor = next_cursor(&api, &admin, query).await;
        assert!(!cursor.is_empty() && cursor == escaped(&cursor), "{cursor}");
    }
}

#[actix_web::test]
async fn a_cursor_is_good_for_the_list_that_it_came_from_and_for_no_other() {
    let (api, admin) = with_people().await;
    let queries = [
        "",
        "sort=created_at",
        "sort=username",
        "sort=-username",
        "role=user",
        "status=active",
        "created_after=2000-01-01T00:00:00Z",
        "created_before=2100-01-01T00:00:00Z",
        "q=ad",
        "q=ada",
        "role=user&sort=username",
    ];
    let size_of = |query: &str| format!("limit=1&{query}");
    let mut cursors = Vec::new();
    for query in queries {
        cursors.push(next_cursor(&api, &admin, &size_of(query)).await);
    }
    assert_eq!(cursors[9], "", "one page holds everybody whose name begins with ada");
    for (i, query) in queries.iter().enumerate() {
        for (j, cursor) in cursors.iter().enumerate().filter(|(_, cursor)| !cursor.is_empty()) {
            if i == j {
                let again = format!("{USERS}?limit=50&include_total=true&{query}&cursor={cursor}");
                assert_eq!(api.get_as(&admin, &again).await.status, 200, "{query}");
            } else {
                refused(&api, &admin, query, cursor).await;
            }
        }
    }
    let explicit = format!("{USERS}?sort=-created_at&cursor={}", cursors[0]);
    assert_eq!(api.get_as(&admin, &explicit).await.status, 200, "the default order by its name");
}

#[actix_web::test]
async fn only_the_one_spelling_of_a_cursor_is_read() {
    let (api, admin) = with_people().await;
    for query in ["limit=1", "limit=1&sort=username", "limit=1&q=ad"] {
        let cursor = next_cursor(&api, &admin, query).await;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        for other in [
            String::new(),
            format!("{cursor}="),
            format!("{cursor}=="),
            format!("{cursor} "),
            format!(" {cursor}"),
            format!("{cursor}A"),
            format!("{cursor}{cursor}"),
            cursor.replace('-', "+").replace('_', "/") + "+",
            cursor.to_lowercase(),
            encode(&[bytes.as_slice(), b" "].concat()),
            encode(&[&bytes[..16], b" ", &bytes[16..]].concat()),
            encode(&bytes[..16]),
            encode(&bytes[..15]),
            encode(&bytes[16..]),
        ] {
            refused(&api, &admin, query, &other).await;
        }
        for length in 0..cursor.len() {
            refused(&api, &admin, query, &cursor[..length]).await;
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x80;
            refused(&api, &admin, query, &encode(&damaged)).await;
        }
    }
}

/// The last character of base64 has bits that stand for nothing: set, they would be a second spelling.
#[actix_web::test]
async fn the_bits_that_stand_for_nothing_are_not_free() {
    let (api, admin) = with_people().await;
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for query in ["limit=1", "limit=1&sort=username", "limit=1&sort=-username", "limit=2&sort=username", "limit=1&q=ad"]
    {
        let cursor = next_cursor(&api, &admin, query).await;
        let (rest, last) = cursor.split_at(cursor.len() - 1);
        for other in alphabet.chars().filter(|other| !last.starts_with(*other)) {
            let other = format!("{rest}{other}");
            if BASE64_URL_SAFE_NO_PAD.decode(&other).is_err() {
                refused(&api, &admin, query, &other).await;
            }
        }
    }
}

/// Cursors are not sealed. One that somebody made himself must be of a place that could be, so that
/// nothing reaches the database which no list would have put there.
#[actix_web::test]
async fn a_place_that_cannot_be_is_refused() {
    let (api, admin) = with_people().await;
    let id = "01900000-0000-7000-8000-000000000001";
    for (query, places) in [
        (
            "limit=1",
            vec![
                format!("[9223372036854775807,\"{id}\"]"),
                format!("[1.5,\"{id}\"]"),
                format!("[\"1\",\"{id}\"]"),
                format!("[-0,\"{id}\"]"),
                "[1,\"\"]".to_owned(),
                format!("[1,\"{}\"]", id.to_uppercase().replace('0', "A")),
                "[1]".to_owned(),
                format!("[1,\"{id}\",2]"),
                "null".to_owned(),
                "{}".to_owned(),
            ],
        ),
        (
            "limit=1&sort=username",
            ["\"ada\\u0000\"", "\"Ada\"", "\"\"", "\"a' OR 1=1\"", "\"\\u0061da\"", "null", "1", "[\"ada\"]"]
                .map(str::to_owned)
                .into(),
        ),
        (
            "limit=1&q=ad",
            vec![
                format!("[\"full_name\",\"ad\\u0000\",\"{id}\"]"),
                format!("[\"full_name\",\"grace\",\"{id}\"]"),
                format!("[\"full_name\",\"Ada\",\"{id}\"]"),
                format!("[\"password_hash\",\"ada\",\"{id}\"]"),
                format!("[\"username\",\"ada\",\"{}\"]", "A".repeat(36)),
                "[\"username\",\"ada\"]".to_owned(),
            ],
        ),
    ] {
        let cursor = next_cursor(&api, &admin, query).await;
        let digest = BASE64_URL_SAFE_NO_PAD.decode(&cursor).unwrap()[..16].to_vec();
        for place in places {
            let forged = BASE64_URL_SAFE_NO_PAD.encode([&digest, place.as_bytes()].concat());
            refused(&api, &admin, query, &forged).await;
        }
    }
}

#[actix_web::test]
async fn faults_of_parameters_come_before_those_of_the_cursor() {
    let (api, admin) = with_people().await;
    let answer = api.get_as(&admin, &format!("{USERS}?cursor=nonsense&limit=0")).await;
    answer.assert_invalid("limit", "out_of_range");
}

/// Proves: AZ-02
#[actix_web::test]
async fn a_cursor_opens_nothing_to_whoever_may_not_read() {
    let (api, admin) = with_people().await;
    let cursor = next_cursor(&api, &admin, "limit=1").await;
    let token = api.user("bob").await;
    api.get_as(&token, &format!("{USERS}?limit=1&cursor={cursor}")).await.assert_refused(403, "FORBIDDEN");
}

#[test]
fn no_text_whatever_is_a_cursor_and_none_panics() {
    let system = System::new();
    let (api, admin) = system.block_on(with_people());
    let digests: Vec<_> = ["limit=1", "limit=1&sort=username", "limit=1&q=ad"]
        .into_iter()
        .map(|query| {
            let cursor = system.block_on(next_cursor(&api, &admin, query));
            (query, BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap()[..16].to_vec())
        })
        .collect();
    let text = any::<String>();
    let bytes = prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let place = any::<String>().prop_map(|text| format!("\u{1}{}", Value::from(text)));
    let texts = (prop_oneof![text, bytes, place], any::<prop::sample::Index>());
    TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() })
        .run(&texts, |(text, index)| {
            let (query, digest) = &digests[index.index(digests.len())];
            // Behind the right digest, any JSON text.
            let cursor = match text.strip_prefix('\u{1}') {
                Some(place) => BASE64_URL_SAFE_NO_PAD.encode([digest, place.as_bytes()].concat()),
                None => text,
            };
            let path = format!("{USERS}?{query}&cursor={}", escaped(&cursor));
            let answer = system.block_on(api.get_as(&admin, &path));
            let is_key = |key: &str| usher_domain::Username::parse(key).is_ok_and(|name| name.key() == key);
            let named = BASE64_URL_SAFE_NO_PAD.decode(&cursor).ok().and_then(|bytes| {
                let place = bytes.strip_prefix(digest.as_slice())?;
                serde_json::from_slice::<String>(place).ok()
            });
            let could_be = query.ends_with("username") && named.is_some_and(|key| is_key(&key));
            let has_damage = cursor.contains('\u{FFFD}');
            let expected = if could_be {
                200
            } else if has_damage {
                422
            } else {
                400
            };
            assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
            Ok(())
        })
        .unwrap();
}
