use std::{fs, path::Path};

use usher_tests::TestApp;

/// `docs/openapi.json` is what the binary serves. After a change of the API, write it anew:
/// `cargo run -- openapi > docs/openapi.json`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_committed_document_is_the_one_that_is_served() {
    let app = TestApp::on_sqlite_with(&[]).await;
    let served = app.get("//openapi.json").await.json;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/openapi.json");
    let committed: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(served["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    assert!(served == committed, "docs/openapi.json has drifted: cargo run -- openapi > docs/openapi.json");
}

/// Proves: IN-15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation_page_comes_from_our_own_origin() {
    let app = TestApp::on_sqlite_with(&[]).await;
    for path in ["//docs", "//docs/"] {
        let page = app.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") || policy.contains("default-src 'self'"), "{policy}");
        assert!(!policy.contains("http"), "{policy}");
        assert!(!page.text.contains("//cdn") && !page.text.contains("https://"), "{}", page.text);
    }
}
