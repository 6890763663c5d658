use proptest::prelude::*;
use usher_domain::{FaultCode, Identifier, NamePolicy, Username, UsernameOrigin};

fn code(text: &str) -> FaultCode {
    Username::parse(text).expect_err(text).code
}

/// Proves: ID-02
#[test]
fn a_username_has_3_to_50_characters_of_the_allowed_ones() {
    for good in ["bob", "A.b_c-9", "0x0", &"a".repeat(50)] {
        assert_eq!(Username::parse(good).unwrap().as_str(), good);
    }
    assert_eq!(code("ab"), FaultCode::TooShort);
    assert_eq!(code(&"a".repeat(51)), FaultCode::TooLong);
    for bad in [".bob", "bob.", "-bob", "bob_", "bo b", "bob@home", "bob\0x", "bob\n", "büb", "b/o/b"] {
        assert_eq!(code(bad), FaultCode::InvalidFormat, "{bad:?}");
    }
}

/// Proves: ID-02
#[test]
fn look_alikes_of_other_scripts_are_refused() {
    for bad in ["\u{430}dmin", "\u{ff41}dmin", "adm\u{131}n", "ad\u{200d}min"] {
        assert_eq!(code(bad), FaultCode::InvalidFormat, "{bad:?}");
    }
}

/// Proves: ID-02
#[test]
fn admin_and_its_other_spellings_are_one_name() {
    assert_eq!(Username::parse("Admin").unwrap().key(), Username::parse("aDMIN").unwrap().key());
}

/// Proves: ID-05
#[test]
fn reserved_words_are_for_administrators_to_give() {
    let policy = NamePolicy::default();
    for word in ["admin", "Root", "me2", "SYSTEM", "support", "users"] {
        let refused = policy.username(word, UsernameOrigin::Oneself).is_err_and(|f| f.code == FaultCode::Reserved);
        assert_eq!(refused, word != "me2", "{word}");
        assert!(policy.username(word, UsernameOrigin::Administrator).is_ok(), "{word}");
    }
}

#[test]
fn settings_narrow_usernames_but_never_loosen_them() {
    let policy = NamePolicy::default().with_username_max(500).with_username_pattern("[a-z]+|[0-9]+").unwrap();
    let parse = |text: &str| policy.username(text, UsernameOrigin::Oneself);
    assert!(parse("lower").is_ok());
    assert!(parse("1234").is_ok());
    assert_eq!(parse("a1b2").unwrap_err().code, FaultCode::InvalidFormat, "the pattern speaks of the whole");
    assert_eq!(parse(&"a".repeat(51)).unwrap_err().code, FaultCode::TooLong);
    assert!(Username::parse("a1b2").is_ok(), "what is stored stays readable");
}

#[test]
fn an_identifier_is_a_username_an_address_or_nobodys_name() {
    assert!(matches!(Identifier::parse("Bob"), Ok(Identifier::Username(_))));
    assert!(matches!(Identifier::parse("bob@example.org"), Ok(Identifier::Email(_))));
    assert!(matches!(Identifier::parse("no such name!"), Ok(Identifier::Unmatchable(_))));
    assert!(matches!(Identifier::parse("@@"), Ok(Identifier::Unmatchable(_))));
    assert_eq!(Identifier::parse("").unwrap_err().code, FaultCode::Required);
    assert_eq!(Identifier::parse("a\0b").unwrap_err().code, FaultCode::InvalidFormat);
    assert!(Identifier::parse(&"ü".repeat(254)).is_ok());
    assert_eq!(Identifier::parse(&"ü".repeat(255)).unwrap_err().code, FaultCode::TooLong);
}

proptest! {
    /// Proves: ID-04
    #[test]
    fn parsing_a_username_twice_changes_nothing(text in "[A-Za-z0-9][A-Za-z0-9._-]{1,48}[A-Za-z0-9]") {
        let once = Username::parse(&text).unwrap();
        prop_assert_eq!(&Username::parse(&once.to_string()).unwrap(), &once);
        prop_assert_eq!(Username::parse(&once.key()).unwrap().key(), once.key());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Username::parse(&text);
        let _ = Identifier::parse(&text);
    }
}
