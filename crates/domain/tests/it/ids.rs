use usher_domain::{IdSource, SequentialIds, UserId};

/// Proves: AZ-08
#[test]
fn an_id_has_one_spelling() {
    let hyphenated = "0190f6a0-0000-7000-8000-000000000001";
    let id: UserId = hyphenated.parse().unwrap();
    assert_eq!(id.to_string(), hyphenated);
    assert_eq!(hyphenated.to_uppercase().parse::<UserId>().unwrap(), id, "upper case is folded");
    for other in [
        "",
        "1",
        "0190f6a0000070008000000000000001",
        "{0190f6a0-0000-7000-8000-000000000001}",
        "urn:uuid:0190f6a0-0000-7000-8000-000000000001",
        "0190f6a0-0000-7000-8000-00000000000g",
        "0190f6a0-0000-7000-8000-0000000000011",
        "../../etc/passwd",
    ] {
        assert!(other.parse::<UserId>().is_err(), "{other}");
    }
}

#[test]
fn ids_of_a_test_sort_in_the_order_they_were_made() {
    let ids = SequentialIds::default();
    let made: Vec<_> = (0..1000).map(|_| ids.next_uuid()).collect();
    assert!(made.is_sorted());
    assert!(made.iter().all(|id| id.get_version_num() == 7));
}
