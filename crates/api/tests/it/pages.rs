use std::collections::BTreeSet;

use actix_web::test::TestRequest;

use crate::fixture::{Answer, TestApi};

const PAGES: [&str; 3] = ["/pages/reset-password", "/pages/verify-email", "/pages/accept-invitation"];

const ASSETS: [(&str, &str); 3] = [
    ("/pages/page.css", "text/css; charset=utf-8"),
    ("/pages/page.js", "text/javascript; charset=utf-8"),
    ("/pages/icon.png", "image/png"),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Every attribute of a page, with its value; empty if it has none.
fn attributes(html: &str) -> Vec<(&str, &str)> {
    let tags = html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag);
    let mut found = Vec::new();
    for tag in tags {
        let mut parts = tag.split('"');
        while let Some(names) = parts.next() {
            let value = parts.next();
            let mut names: Vec<_> = names.split_whitespace().collect();
            if let (Some(name), Some(value)) = (names.last().and_then(|name| name.strip_suffix('=')), value) {
                found.push((name, value));
                names.pop();
            }
            found.extend(names.into_iter().map(|name| (name, "")));
        }
    }
    found
}

#[track_caller]
fn assert_is_page(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(answer.text().starts_with("<!doctype html>\n<html lang=\"en\""), "{answer:?}");
}

/// Proves: CK-07, RS-12
#[actix_web::test]
async fn each_page_has_a_policy_of_its_own_and_sends_nobody_where_it_came_from() {
    let api = TestApi::new().await;
    for path in PAGES {
        let page = api.get(path).await;
        assert_is_page(&page);
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("location", ""),
            ("set-cookie", ""),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert_eq!(api.get(&format!("{path}/")).await.body, page.body, "without a redirect");
    }
}

#[actix_web::test]
async fn each_page_is_whole_and_has_a_title_of_its_own() {
    let api = TestApi::new().await;
    let mut titles = BTreeSet::new();
    for path in PAGES {
        let page = api.get(path).await;
        let html = page.text();
        assert!(!html.contains(['{', '}']), "a gap is left: {html}");
        for part in ["<noscript>", "id=\"start\"", "id=\"done\"", "id=\"INVALID_OR_EXPIRED_TOKEN\"", "id=\"no-token\""]
        {
            assert_eq!(html.matches(part).count(), 1, "{path}: {part}");
        }
        let title = html.split("<title>").nth(1).and_then(|rest| rest.split(" - usher</title>").next()).unwrap();
        assert!(html.contains(&format!("<section id=\"start\" hidden>\n        <h1 tabindex=\"-1\">{title}</h1>")));
        titles.insert(title.to_owned());
    }
    assert_eq!(titles.len(), PAGES.len());
}

/// Proves: RS-12
#[actix_web::test]
async fn nothing_on_a_page_is_inline_and_nothing_is_from_elsewhere() {
    let api = TestApi::new().await;
    for path in PAGES {
        let page = api.get(path).await;
        let html = page.text();
        for inline in ["<style", "javascript:", "data:", "<base", "<iframe", "<object", "http:", "https:"] {
            assert!(!html.contains(inline), "{path}: {inline}");
        }
        let attributes = attributes(html);
        assert!(attributes.contains(&("id", "start")) && attributes.contains(&("hidden", "")), "{attributes:?}");
        for (name, _) in &attributes {
            assert!(!name.starts_with("on") && !["style", "action", "srcdoc"].contains(name), "{path}: {name}");
        }
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src=\"/pages/page.js\"></script>"), "{script}");
        }
        let is_target = |name| matches!(name, "src" | "href");
        let targets: BTreeSet<_> = attributes.iter().filter(|(name, _)| is_target(*name)).map(|(_, to)| *to).collect();
        assert_eq!(targets, ASSETS.iter().map(|(path, _)| *path).collect(), "{path}");
    }
    for (path, _) in ASSETS {
        let asset = api.get(path).await;
        let text = String::from_utf8_lossy(&asset.body);
        for elsewhere in ["http:", "https:", "//\"", "@import", "url(", "eval", "innerHTML", "localStorage"] {
            assert!(!text.contains(elsewhere), "{path}: {elsewhere}");
        }
    }
}

#[actix_web::test]
async fn the_assets_have_their_types_and_no_others_are_there() {
    let api = TestApi::new().await;
    for (path, content_type) in ASSETS {
        let answer = api.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, content_type), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=300", "{path}");
        assert!(!answer.body.is_empty(), "{path}");
    }
    assert!(api.get("/pages/icon.png").await.body.starts_with(b"\x89PNG"));
    for path in [
        "/pages",
        "/pages/",
        "/pages/frame.html",
        "/pages/reset-password.html",
        "/pages/Reset-Password",
        "/pages/reset-password/more",
        "/pages/nothing.js",
        "/pages/..%2fpages.rs",
        "/pages/%2e%2e",
        "/api/v1/pages/reset-password",
    ] {
        let answer = api.get(path).await;
        answer.assert_refused(404, "NOT_FOUND");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[actix_web::test]
async fn pages_are_only_there_to_be_got() {
    let api = TestApi::new().await;
    for path in PAGES.into_iter().chain(ASSETS.map(|(path, _)| path)) {
        for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = api.call(TestRequest::with_uri(path).method(method.parse().unwrap())).await;
            answer.assert_refused(405, "METHOD_NOT_ALLOWED");
            assert_eq!(answer.header("allow"), "GET", "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn the_pages_are_there_without_the_documentation_and_are_told_where_the_api_is() {
    for base_path in ["/api/v1", "", "/id", "/a/b-c_d.e"] {
        let api = TestApi::with(|state| {
            state.settings.docs = false;
            state.settings.base_path = base_path.to_owned();
        })
        .await;
        for path in PAGES {
            let page = api.get(path).await;
            assert_is_page(&page);
            assert!(page.text().contains(&format!("<html lang=\"en\" data-api=\"{base_path}\">")), "{page:?}");
        }
        assert_eq!(api.get("/pages/page.js").await.status, 200);
    }
}

/// Proves: RS-05, RS-12
#[actix_web::test]
async fn nothing_that_a_request_says_has_an_effect_on_a_page() {
    let api = TestApi::new().await;
    for path in PAGES {
        let page = api.get(path).await.body;
        for (name, value) in [
            ("Host", "evil.example"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "gopher"),
            ("X-Forwarded-Prefix", "/evil"),
            ("Forwarded", "host=evil.example;proto=gopher"),
            ("X-Original-URL", "/evil"),
            ("Accept-Language", "fr"),
            ("Cookie", "refresh_token=evil"),
        ] {
            let answer = api.call(TestRequest::get().uri(path).insert_header((name, value))).await;
            assert_is_page(&answer);
            assert_eq!(answer.body, page, "{name}");
        }
        for target in [
            format!("{path}?token=evil&redirect=https://evil.example"),
            format!("http://evil.example{path}"),
            format!("https://evil.example:99{path}/?x"),
        ] {
            let answer = api.get(&target).await;
            assert_is_page(&answer);
            assert_eq!(answer.body, page, "{target}");
        }
    }
}
