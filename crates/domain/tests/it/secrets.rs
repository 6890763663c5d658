use proptest::prelude::*;
use usher_domain::{PasswordHash, PlainPassword, PlainToken};

/// Proves: OP-04
#[test]
fn secrets_do_not_print() {
    let shown = format!(
        "{:?} {:?} {:?}",
        PlainPassword::new("canary".into()),
        PasswordHash::from_stored("canary".into()),
        PlainToken::new("canary".into()),
    );
    assert!(!shown.contains("canary"), "{shown}");
}

/// Proves: PW-06
#[test]
fn composed_and_decomposed_letters_are_one_password() {
    let composed = PlainPassword::new("caf\u{e9}".into());
    let decomposed = PlainPassword::new("cafe\u{301}".into());
    assert_eq!(*composed.normalized(), *decomposed.normalized());
    assert_ne!(composed.as_typed(), decomposed.as_typed());
}

proptest! {
    /// Proves: PW-06
    #[test]
    fn normalising_twice_changes_nothing(text in any::<String>()) {
        let once = PlainPassword::new(text).normalized();
        let twice = PlainPassword::new(once.to_string()).normalized();
        prop_assert_eq!(&*once, &*twice);
    }
}
