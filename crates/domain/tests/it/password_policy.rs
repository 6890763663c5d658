use usher_domain::{EmailAddress, FaultCode, PasswordContext, PasswordPolicy, PlainPassword, Username};

fn codes_with(policy: &PasswordPolicy, password: &str, context: PasswordContext<'_>) -> Vec<FaultCode> {
    policy.faults(&PlainPassword::new(password.to_owned()), context).into_iter().map(|fault| fault.code).collect()
}

fn codes(password: &str) -> Vec<FaultCode> {
    codes_with(&PasswordPolicy::default(), password, PasswordContext::default())
}

/// Proves: PW-01
#[test]
fn seven_code_points_are_too_few_and_eight_will_do() {
    assert_eq!(codes("Xk7!vQz"), [FaultCode::TooShort]);
    assert_eq!(codes("Xk7!vQzé"), []);
    let lower_floor = PasswordPolicy::default().with_lengths(1, 128);
    assert_eq!(codes_with(&lower_floor, "Xk7!vQz", PasswordContext::default()), [FaultCode::TooShort]);
}

/// Proves: PW-02
#[test]
fn up_to_128_code_points_are_taken_whatever_their_bytes() {
    assert_eq!(codes(&format!("Xk7!{}", "q".repeat(60))), []);
    assert_eq!(codes(&format!("Xk7!{}", "😀".repeat(60))), []);
    assert_eq!(codes(&format!("Xk7!{}", "q".repeat(124))), []);
    assert_eq!(codes(&format!("Xk7!{}", "q".repeat(125))), [FaultCode::TooLong]);
}

/// Proves: PW-04
#[test]
fn the_character_u_0000_is_refused_when_a_password_is_set() {
    assert_eq!(codes("Xk7!vQz\0mN"), [FaultCode::InvalidFormat]);
}

/// Proves: PW-05
#[test]
fn any_unicode_and_any_spaces_count_and_passphrases_are_a_setting() {
    assert_eq!(codes("  Пароль 7!  "), []);
    let passphrases = PasswordPolicy::default().with_required([]);
    assert_eq!(codes_with(&passphrases, "correct horse battery staple", PasswordContext::default()), []);
}

#[test]
fn every_missing_class_is_told_at_once() {
    use FaultCode::{MissingDigit, MissingLower, MissingSymbol, MissingUpper};
    assert_eq!(codes("vqzkvqzmw"), [MissingUpper, MissingDigit, MissingSymbol]);
    assert_eq!(codes("8402 8402 57"), [MissingUpper, MissingLower, MissingSymbol]);
}

/// Proves: PW-07
#[test]
fn common_passwords_are_found_behind_the_usual_disguises() {
    for disguised in ["P@ssw0rd1!", "Password123!", "!!Letmein99", "QWERTYuiop1!", "1L0v3y0u!", "@Dm1n1str4t0r!"] {
        assert!(codes(disguised).contains(&FaultCode::TooCommon), "{disguised}");
    }
    assert_eq!(codes("Plausible-but-7-unheard"), []);
    let off = PasswordPolicy::default().with_blocklist(false);
    assert_eq!(codes_with(&off, "P@ssw0rd1!", PasswordContext::default()), []);
}

/// Proves: PW-07
#[test]
fn the_list_holds_at_least_ten_thousand_entries() {
    let entries: std::collections::BTreeSet<_> = include_str!("../../data/common-passwords.txt").lines().collect();
    assert!(entries.len() >= 10_000);
}

/// Proves: PW-07
#[test]
fn names_of_the_owner_and_of_the_service_are_refused() {
    let username = Username::parse("Lovelace").unwrap();
    let email = EmailAddress::parse("ada.byron@example.org").unwrap();
    let context = PasswordContext { username: Some(&username), email: Some(&email) };
    let policy = PasswordPolicy::default();
    for bad in ["Xk7!loveLACEq", "ADA.byron#7x", "my-Usher-7-pw"] {
        assert_eq!(codes_with(&policy, bad, context), [FaultCode::ContainsIdentity], "{bad}");
    }
    let short = Username::parse("ada").unwrap();
    let context = PasswordContext { username: Some(&short), email: None };
    assert_eq!(codes_with(&policy, "Xk7!adaqzv", context), [], "names of under four characters are everywhere");
}
