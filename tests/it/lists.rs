use serde_json::{Value, json};
use usher_tests::{Answer, Client, TestApp, on_each_engine};

/// Every character escaped that is not plain.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.data()["items"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    items.iter().map(|item| item["username"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a list.
async fn gather(client: &Client<'_>, query: &str, limit: usize) -> Vec<String> {
    let (mut gathered, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/users?limit={limit}&{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = names(&page);
        assert!(items.len() <= limit);
        gathered.extend(items);
        match page.data()["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return gathered,
        }
    }
}

/// A dozen people, whose names test how they are compared.
async fn populate(admin: &Client<'_>) {
    for (username, email, full_name) in [
        ("ada", "ada@example.org", "Ada Lovelace"),
        ("Adam", "adam@example.org", "Adam Smith"),
        ("ad_min", "ad_min@example.org", "Underscore Person"),
        ("adxmin", "adxmin@example.org", "Not Underscore"),
        ("Zoe", "ade@example.org", "Zoe Quinn"),
        ("eva", "eva@example.org", "Éva Ádám"),
        ("b.ob", "bob@example.org", "Adele Goldberg"),
        ("b-ob", "b-ob@example.org", "ADELE Second"),
    ] {
        admin.create_with(username, &json!({"email": email, "full_name": full_name, "external_id": username})).await;
    }
}

on_each_engine! {
    async fn orders_filters_and_searches_are_the_same_on_every_engine(app: TestApp) {
        let admin = app.admin().await;
        populate(&admin).await;
        for (query, expected) in [
            ("sort=username", vec!["ad_min", "ada", "Adam", "admin", "adxmin", "b-ob", "b.ob", "eva", "Zoe"]),
            ("sort=-username", vec!["Zoe", "eva", "b.ob", "b-ob", "adxmin", "admin", "Adam", "ada", "ad_min"]),
            ("sort=created_at", vec!["admin", "ada", "Adam", "ad_min", "adxmin", "Zoe", "eva", "b.ob", "b-ob"]),
            ("", vec!["b-ob", "b.ob", "eva", "Zoe", "adxmin", "ad_min", "Adam", "ada", "admin"]),
            ("q=ad", vec!["ad_min", "ada", "Adam", "admin", "adxmin", "Zoe", "b.ob", "b-ob"]),
            ("q=AD_", vec!["ad_min"]),
            ("q=ade", vec!["Zoe", "b.ob", "b-ob"]),
            ("q=%C3%89VA", vec!["eva"]),
            ("q=eva", vec!["eva"]),
            ("q=e%CC%81va", vec!["eva"]),
            ("q=bo", vec!["b.ob"]),
            ("username=ZOE", vec!["Zoe"]),
            ("email=ADE%40Example.org", vec!["Zoe"]),
            ("external_id=Zoe", vec!["Zoe"]),
            ("external_id=zoe", vec![]),
            ("role=admin", vec!["admin"]),
            ("role=user&sort=username", vec!["ad_min", "ada", "Adam", "adxmin", "b-ob", "b.ob", "eva", "Zoe"]),
            ("q=ad&role=admin", vec!["admin"]),
            ("created_before=2000-01-01T00:00:00Z", vec![]),
            ("created_after=2000-01-01T00:00:00Z&username=ada", vec!["ada"]),
        ] {
            for limit in [1, 3, 100] {
                assert_eq!(gather(&admin, query, limit).await, expected, "{query} by {limit}");
            }
            let total = admin.get(&format!("/users?include_total=true&limit=1&{query}")).await.data()["total"].clone();
            assert_eq!(total, expected.len(), "{query}");
        }
    }

    /// Proves: AZ-09, IN-08, IN-10
    async fn hostile_queries_find_nobody_or_are_refused_and_change_nothing(app: TestApp) {
        let admin = app.admin().await;
        populate(&admin).await;
        let before = gather(&admin, "sort=username", 100).await;
        let parameters = [
            "q", "username", "email", "external_id", "ids", "role", "status", "created_after", "created_before", "sort",
            "limit", "cursor", "include_total",
        ];
        let hostile = [
            "' OR '1'='1", "'; DROP TABLE users; --", "\" OR \"\"=\"", "') OR ('1'='1", "%%", "__", "ad%", "a_a", "\\\\",
            "ad\\", "ad\0", "\0\0", "$1", "??", "ad\u{10ffff}", "\u{10ffff}\u{10ffff}", "\u{e000}\u{fffe}",
            "\r\nSet-Cookie: a=b", "1;SELECT pg_sleep(10)", "{{7*7}}", &"x".repeat(10_000),
        ];
        for parameter in parameters {
            for value in hostile {
                let answer = admin.get(&format!("/users?{parameter}={}", escaped(value))).await;
                match answer.status {
                    200 => assert_eq!(names(&answer), [""; 0], "{parameter}={value:?}"),
                    400 => assert_eq!((parameter, answer.code()), ("cursor", "INVALID_CURSOR"), "{value:?}"),
                    422 => {
                        let field = answer.details()[0]["field"].as_str().unwrap();
                        assert!(field.starts_with(parameter), "{parameter}={value:?}: {answer:?}");
                    }
                    other => panic!("{other} for {parameter}={value:?}: {answer:?}"),
                }
            }
        }
        assert_eq!(gather(&admin, "sort=username", 100).await, before);
    }

    async fn a_cursor_that_somebody_made_reaches_no_further_than_the_list(app: TestApp) {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let admin = app.admin().await;
        populate(&admin).await;
        for (query, places) in [
            ("sort=created_at", vec!["[-9000000000000000000,\"00000000-0000-0000-0000-000000000000\"]", "[0,\"x\"]", "[]"]),
            ("sort=username", vec!["\"a\\u0000\"", "\"' OR 1=1\"", "\"A\"", "7"]),
            ("q=ad", vec!["[\"full_name\",\"ad\\u0000\",\"00000000-0000-0000-0000-000000000000\"]", "[\"id\",\"ad\",1]"]),
        ] {
            let page = admin.get(&format!("/users?limit=1&{query}")).await;
            let cursor = URL_SAFE_NO_PAD.decode(page.data()["next_cursor"].as_str().unwrap()).unwrap();
            for place in places {
                let forged = URL_SAFE_NO_PAD.encode([&cursor[..16], place.as_bytes()].concat());
                let answer = admin.get(&format!("/users?{query}&cursor={forged}")).await;
                assert_eq!((answer.status, answer.code()), (400, "INVALID_CURSOR"), "{place}");
            }
        }
        let page = admin.get("/users?limit=1&q=ad").await;
        let cursor = URL_SAFE_NO_PAD.decode(page.data()["next_cursor"].as_str().unwrap()).unwrap();
        let id = "00000000-0000-0000-0000-000000000000";
        for key in ["ad\u{10ffff}", "ad' OR '1'='1", "ad%", "ad\\"] {
            let place = json!(["full_name", key, id]).to_string();
            let forged = URL_SAFE_NO_PAD.encode([&cursor[..16], place.as_bytes()].concat());
            let answer = admin.get(&format!("/users?q=ad&cursor={forged}")).await;
            assert_eq!(answer.status, 200, "a place that nobody has is one all the same: {answer:?}");
        }
    }

    async fn beyond_ten_thousand_nobody_is_counted(app: TestApp) {
        let admin = app.admin().await;
        let id = if app.is_on_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        let insert = |from: u32, to: u32| {
            format!(
                "INSERT INTO users (id, username, username_key, metadata, must_change_password, token_epoch, version,
                 created_at, updated_at) WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
                 SELECT {id}, 'bulk' || i, 'bulk' || i, '{{}}', FALSE, 0, 1, i, i FROM n"
            )
        };
        app.execute(&insert(1, 9_999)).await;
        let counted = async |query: &str| {
            let data = admin.get(&format!("/users?limit=1&include_total=true{query}")).await.data().clone();
            (data["total"].clone(), data.get("total_capped").cloned())
        };
        assert_eq!(counted("").await, (json!(10_000), None));
        app.execute(&insert(10_000, 10_000)).await;
        assert_eq!(counted("").await, (json!(10_000), Some(json!(true))));
        assert_eq!(counted("&q=bulk").await, (json!(10_000), None));
        assert_eq!(counted("&q=bulk1").await, (json!(1_112), None));
        assert_eq!(counted("&status=deactivated").await, (json!(0), None));
        let without = admin.get("/users?limit=1").await;
        assert_eq!(without.data().get("total"), None::<&Value>);
    }
}
