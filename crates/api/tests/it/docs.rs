use crate::fixture::TestApi;

/// Proves: IN-15
#[actix_web::test]
async fn the_page_has_nothing_inline_and_nothing_from_elsewhere() {
    let api = TestApi::new().await;
    let page = api.get("/docs").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(api.get("/docs/").await.body, page.body, "without a redirect");

    let policy = page.header("content-security-policy");
    for unsafe_source in ["unsafe", "http:", "https:", "*"] {
        assert!(!policy.contains(unsafe_source), "{policy}");
    }
    let html = page.text();
    for inline in ["<style", " style=", "javascript:", "onload=", "onclick=", "<base"] {
        assert!(!html.contains(inline), "{inline}");
    }
    for script in html.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/docs/") && script.contains("></script>"), "{script}");
    }
    let mut assets = 0;
    for attribute in ["src=\"", "href=\""] {
        for target in html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(target.starts_with('/') && !target.starts_with("//"), "{target}");
            assert_eq!(api.get(target).await.status, 200, "{target}");
            assets += 1;
        }
    }
    assert_eq!(assets, 6, "icon, two styles, two scripts, the document");
}

/// Proves: IN-15
#[actix_web::test]
async fn the_assets_are_built_in_and_no_others_are_there() {
    let api = TestApi::new().await;
    for (asset, content_type, part) in [
        ("swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"),
        ("start.js", "text/javascript; charset=utf-8", "\"/openapi.json\""),
    ] {
        let answer = api.get(&format!("/docs/{asset}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, content_type));
        assert!(answer.text().contains(part), "{asset}");
    }
    assert!(api.get("/docs/start.js").await.text().contains("validatorUrl: null"), "the default asks a third party");
    for other in ["index.html", "swagger-initializer.js", "..%2f..%2fCargo.toml", "%2e%2e", "oauth2-redirect.html"] {
        api.get(&format!("/docs/{other}")).await.assert_refused(404, "NOT_FOUND");
    }
}

/// Proves: IN-14
#[actix_web::test]
async fn the_documentation_can_be_off() {
    let api = TestApi::with(|state| state.settings.docs = false).await;
    for path in ["/docs", "/docs/", "/docs/swagger-ui.css", "/openapi.json"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("NOT_FOUND"), "{path}");
    }
    assert_eq!(api.get("/health/live").await.status, 200);
}

/// Proves: JW-11
#[actix_web::test]
async fn the_public_keys_are_served_as_they_are() {
    let api = TestApi::new().await;
    for path in ["/.well-known/jwks.json", "/.well-known/jwks.json/"] {
        let answer = api.get(path).await;
        assert_eq!(answer.text(), &*api.state.tokens.jwks());
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(answer.json()["keys"][0]["d"].is_null(), "no private part");
    }
}
