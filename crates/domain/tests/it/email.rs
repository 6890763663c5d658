use proptest::prelude::*;
use usher_domain::{EmailAddress, FaultCode};

fn key(text: &str) -> String {
    EmailAddress::parse(text).expect(text).key()
}

/// Proves: ID-03
#[test]
fn ordinary_addresses_are_taken() {
    assert_eq!(key("Ada.Lovelace+x@Example.ORG"), "ada.lovelace+x@example.org");
    assert_eq!(key("  bob@example.org\n"), "bob@example.org");
    assert_eq!(key("o'brien@sub.example.co.uk"), "o'brien@sub.example.co.uk");
    assert_eq!(EmailAddress::parse("Bob@EXAMPLE.org").unwrap().as_str(), "Bob@example.org");
}

/// Proves: ID-03
#[test]
fn international_domains_become_a_labels() {
    assert_eq!(key("bob@bücher.example"), "bob@xn--bcher-kva.example");
    assert_eq!(key("bob@BÜCHER.example"), key("bob@xn--bcher-kva.example"));
}

/// Proves: ID-03
#[test]
fn whatever_could_be_mistaken_for_another_address_is_refused() {
    for bad in [
        "",
        "bob",
        "@example.org",
        "bob@",
        "a@b@example.org",
        "bob@localhost",
        "bob@.org",
        "bob@example..org",
        "bob@-a.org",
        "bob@a-.org",
        "bob@1.2.3.4",
        "bob@[1.2.3.4]",
        "bob smith@example.org",
        "bob,al@example.org",
        "<bob@example.org>",
        "\"bob\"@example.org",
        ".bob@example.org",
        "bob.@example.org",
        "b..b@example.org",
        "bob\r\nBcc: eve@example.org",
        "bob@example.org\0",
        "bob@exa\0mple.org",
        "b\u{f6}b@example.org",
        "bob@example.org\u{2028}",
        "m\u{131}ke@example.org",
        "bob@exam ple.org",
        "bob@example.org.",
        "bob@exa_mple.org",
        "bob%0a@example.org",
        "bob%example.com@example.org",
    ] {
        assert_eq!(EmailAddress::parse(bad).expect_err(bad).code, FaultCode::InvalidFormat, "{bad:?}");
    }
}

/// Proves: ID-03
#[test]
fn sizes_are_those_of_rfc_5321() {
    let local = |n| format!("{}@example.org", "a".repeat(n));
    assert!(EmailAddress::parse(&local(64)).is_ok());
    assert_eq!(EmailAddress::parse(&local(65)).unwrap_err().code, FaultCode::TooLong);
    let fits = format!("{}@{}.{}.{}.ee", "a".repeat(61), "b".repeat(63), "c".repeat(63), "d".repeat(60));
    assert_eq!(fits.len(), 253);
    assert!(EmailAddress::parse(&format!("a{fits}")).is_ok());
    assert_eq!(EmailAddress::parse(&format!("aa{fits}")).unwrap_err().code, FaultCode::TooLong);
}

proptest! {
    /// Proves: ID-04
    #[test]
    fn parsing_an_address_twice_changes_nothing(
        local in "[A-Za-z0-9+]{1,10}(\\.[A-Za-z0-9]{1,5})?",
        domain in "[a-zA-Zäöüß]{1,10}\\.(org|Example|co\\.uk)",
    ) {
        if let Ok(once) = EmailAddress::parse(&format!("{local}@{domain}")) {
            prop_assert_eq!(&EmailAddress::parse(&once.to_string()).unwrap(), &once);
            prop_assert_eq!(EmailAddress::parse(&once.key()).unwrap().key(), once.key());
            prop_assert!(once.key().is_ascii());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = EmailAddress::parse(&text);
    }
}
