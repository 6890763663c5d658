use usher_domain::{Action, FaultCode, PageSize, UserSort};

/// Proves: AZ-09
#[test]
fn a_page_has_1_to_100_items() {
    assert_eq!(PageSize::default().get(), 20);
    assert_eq!([1, 100].map(|n| PageSize::new(n).unwrap().get()), [1, 100]);
    assert!([0, 101, u64::MAX].into_iter().all(|n| PageSize::new(n).is_err()));
}

/// Proves: AZ-09
#[test]
fn sorts_are_a_closed_list() {
    assert_eq!("-created_at".parse(), Ok(UserSort::CreatedAtDescending));
    assert_eq!("password_hash".parse::<UserSort>().unwrap_err().code, FaultCode::UnknownValue);
}

#[test]
fn every_action_reads_back_from_its_name() {
    for &action in Action::ALL {
        assert_eq!(action.as_str().parse(), Ok(action));
    }
    assert_eq!(Action::ALL.len(), 32);
}
