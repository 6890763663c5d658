use proptest::prelude::*;
use usher_domain::{FaultCode, FullName, FullNameStyle, NamePolicy};

/// Proves: IN-11
#[test]
fn names_of_every_script_are_taken() {
    for good in [
        "Ada Lovelace",
        "J. R. R. Tolkien",
        "Sammy Davis Jr.",
        "O'Brien-Smith",
        "O\u{2019}Brien",
        "Jean-Luc",
        "J.-P. Sartre",
        "van 't Hooft",
        "José",
        "Jose\u{301}",
        "李小龍",
        "Владимир",
        "عمر",
        "सत्यजित",
        "Ng",
        "X",
    ] {
        assert_eq!(FullName::parse(good).expect(good).as_str(), good);
    }
    assert!(FullName::parse(&"é".repeat(100)).is_ok());
}

/// Proves: IN-11
#[test]
fn what_is_no_name_is_refused() {
    assert_eq!(FullName::parse("").unwrap_err().code, FaultCode::TooShort);
    assert_eq!(FullName::parse(&"a".repeat(101)).unwrap_err().code, FaultCode::TooLong);
    for bad in [
        " Ada",
        "Ada ",
        "Ada  Lovelace",
        "Ada\tLovelace",
        "-Ada",
        "Ada-",
        "'Ada",
        "Ada'",
        ".",
        "Ada..",
        "Ada--Eve",
        "Ada1",
        "<b>Ada</b>",
        "Ada\0",
        "Ada\u{202e}",
        "Ada\u{200b}Eve",
        "Ada\u{200d}",
        "\u{301}Ada",
        "Ada@home",
        "\u{3164}\u{3164}",
        "Ada\u{fe0f}",
        "Ada\r\nEve",
        "😀",
    ] {
        assert_eq!(FullName::parse(bad).expect_err(bad).code, FaultCode::InvalidFormat, "{bad:?}");
    }
}

#[test]
fn the_strict_style_takes_letters_and_hyphens_only() {
    let policy = NamePolicy::default().with_full_name_style(FullNameStyle::Strict);
    assert!(policy.full_name("Müller-Lüdenscheidt").is_ok());
    assert_eq!(policy.full_name("J. Doe").unwrap_err().code, FaultCode::InvalidFormat);
}

#[test]
fn searches_see_through_case_and_compatibility_forms() {
    assert_eq!(FullName::parse("Ａda").unwrap().key(), "ada");
}

proptest! {
    #[test]
    fn parsing_a_name_twice_changes_nothing(text in "[\\p{L}\\p{M}' .-]{1,30}") {
        if let Ok(once) = FullName::parse(&text) {
            prop_assert_eq!(&FullName::parse(&once.to_string()).unwrap(), &once);
        }
    }
}
