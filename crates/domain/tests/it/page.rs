use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;
use usher_domain::{Action, FaultCode, PageSize, SearchPrefix};

/// Proves: AZ-09
#[test]
fn a_page_has_1_to_100_items() {
    assert_eq!(PageSize::default().get(), 20);
    assert_eq!([1, 100].map(|n| PageSize::new(n).unwrap().get()), [1, 100]);
    assert!([0, 101, u64::MAX].into_iter().all(|n| PageSize::new(n).is_err()));
}

/// Proves: AZ-09
#[test]
fn what_is_searched_for_is_taken_literally() {
    for text in ["%_", "\\%", "a*", "o'b", "\u{2028}x"] {
        assert_eq!(SearchPrefix::parse(text).unwrap().as_str(), text.nfkc().collect::<String>());
    }
    assert_eq!(SearchPrefix::parse("ÄB").unwrap().as_str(), "äb");
    assert_eq!(SearchPrefix::parse("a").unwrap_err().code, FaultCode::TooShort);
    assert_eq!(SearchPrefix::parse("a\0").unwrap_err().code, FaultCode::InvalidFormat);
}

proptest! {
    #[test]
    fn everything_with_the_prefix_and_nothing_else_lies_between_it_and_its_end(
        prefix in "\\PC{2,6}", tail in "\\PC{0,6}", other in "\\PC{0,8}",
    ) {
        let Ok(prefix) = SearchPrefix::parse(&prefix) else { return Ok(()) };
        let within = |text: &str| {
            text >= prefix.as_str() && prefix.end().is_none_or(|end| text < end.as_str())
        };
        let with_prefix = format!("{}{}", prefix.as_str(), tail);
        prop_assert!(within(&with_prefix));
        prop_assert_eq!(within(&other), other.starts_with(prefix.as_str()));
    }
}

#[test]
fn every_action_reads_back_from_its_name() {
    for &action in Action::ALL {
        assert_eq!(action.as_str().parse(), Ok(action));
    }
    assert_eq!(Action::ALL.len(), 30);
}
