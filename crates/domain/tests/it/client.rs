use usher_domain::{ClientInfo, RequestId};

#[test]
fn a_request_id_cannot_smuggle_anything_into_a_log() {
    assert!(RequestId::parse("a.B-9_x").is_some());
    for bad in ["", "a b", "a\nb", "\u{1b}[31m", &"a".repeat(65)] {
        assert!(RequestId::parse(bad).is_none(), "{bad:?}");
    }
    let client = ClientInfo::new(None, Some("curl\u{1b}[31m/8"), None);
    assert_eq!(client.user_agent(), Some("curl[31m/8"));
}
