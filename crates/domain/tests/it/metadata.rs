use serde_json::{Value, json};
use usher_domain::{ExternalId, FaultCode, Metadata};

fn code(value: Value) -> FaultCode {
    Metadata::parse(value).expect_err("refused").code
}

#[test]
fn metadata_is_an_object_of_bounded_size_and_depth() {
    assert!(Metadata::parse(json!({"theme": "dark", "n": [1, 2, {"a": null}]})).is_ok());
    assert_eq!(code(json!([1])), FaultCode::WrongType);
    let sized = |n: usize| json!({"k": "x".repeat(n - r#"{"k":""}"#.len())});
    assert!(Metadata::parse(sized(8 * 1024)).is_ok());
    assert_eq!(code(sized(8 * 1024 + 1)), FaultCode::TooLong);
    let nested = |n: usize| (1..n).fold(json!({}), |inner, _| json!({ "k": inner }));
    assert!(Metadata::parse(nested(8)).is_ok());
    assert_eq!(code(nested(9)), FaultCode::InvalidFormat);
}

/// Proves: IN-10
#[test]
fn u_0000_is_refused_wherever_it_hides() {
    for value in [json!({"a": "x\0"}), json!({"x\0": 1}), json!({"a": [{"b": "\0"}]})] {
        assert_eq!(code(value), FaultCode::InvalidFormat);
    }
    assert!(ExternalId::parse("crm\0").is_err());
}

#[test]
fn an_external_id_is_printable_ascii() {
    assert!(ExternalId::parse("crm/4711 (old)").is_ok());
    for bad in ["", " x", "x ", "ü", "a\tb", &"x".repeat(129)] {
        assert!(ExternalId::parse(bad).is_err(), "{bad:?}");
    }
}
