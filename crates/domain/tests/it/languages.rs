use proptest::prelude::*;
use usher_domain::Languages;

fn read(text: &str) -> String {
    Languages::parse(text).to_string()
}

#[test]
fn the_best_comes_first_and_equals_as_they_were_said() {
    assert_eq!(read("en;q=0.5, de-AT, fr;q=0.501, de;q=1.000, it;q=0.5"), "de-at,de,fr,en,it");
    assert_eq!(read("da , EN-gb;Q=0.8 ,, en ; q=0.7"), "da,en-gb,en");
}

#[test]
fn what_is_no_language_is_passed_over() {
    let long = "x".repeat(36);
    for text in [
        "",
        "*",
        "de;q=0",
        "de;q=0.000",
        "de;q=1.001",
        "de;q=0.1234",
        "de;q=-1",
        "de;q=+0.5",
        "de;q=0.+5",
        "de;q=2",
        "de;q=",
        "de;p=1",
        "de_AT",
        "-de",
        "de-",
        "de--at",
        "dé",
        "de\r\nBcc: x",
        &long,
    ] {
        assert_eq!(read(text), "", "{text:?}");
        assert_eq!(read(&format!("{text},en")), "en", "{text:?}");
    }
}

#[test]
fn eight_languages_are_looked_at_the_best_ones() {
    assert_eq!(read("a,b,c,d,e,f,g,h,i"), "a,b,c,d,e,f,g,h");
    assert_eq!(read("z;q=0.1,a,b,c,d,e,f,g,h"), "a,b,c,d,e,f,g,h");
}

#[test]
fn a_language_stands_for_the_general_ones_before_the_next_is_asked() {
    let best = |text: &str, available: &[&'static str]| Languages::parse(text).best_of(available).map(str::to_owned);
    assert_eq!(best("de-AT, en", &["en", "de"]).as_deref(), Some("de"));
    assert_eq!(best("zh-Hant-TW, en", &["en", "zh", "zh-Hant"]).as_deref(), Some("zh-Hant"));
    assert_eq!(best("fr, DE;q=0.1", &["en", "De"]).as_deref(), Some("De"));
    assert_eq!(best("de", &["de-AT", "den"]), None);
    assert_eq!(best("fr, it", &["en", "de"]), None);
    assert_eq!(best("", &["en"]), None);
}

/// Pieces of the header, most of them well-formed.
fn header() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => ("[a-zA-Z]{1,3}(-[a-zA-Z0-9]{1,8}){0,4}", prop::option::of("; ?[qQ]=(0(\\.[0-9]{0,3})?|1(\\.0{0,3})?)"))
            .prop_map(|(tag, weight)| tag + &weight.unwrap_or_default()),
        1 => "\\PC{0,40}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.join(","))
}

proptest! {
    #[test]
    fn what_was_read_is_read_again_as_it_was(text in header()) {
        let languages = Languages::parse(&text);
        prop_assert_eq!(Languages::parse(&languages.to_string()), languages);
    }

    #[test]
    fn what_was_read_is_short_and_harmless(text in prop_oneof![header(), ".*".boxed()]) {
        let shown = read(&text);
        let tags: Vec<_> = shown.split(',').filter(|tag| !tag.is_empty()).collect();
        prop_assert!(tags.len() <= 8);
        for tag in tags {
            prop_assert!(tag.len() <= 35);
            prop_assert!(tag.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        }
    }

    #[test]
    fn the_best_is_one_that_there_is(text in header(), available in prop::collection::vec("[a-z]{1,2}", 0..4)) {
        let available: Vec<_> = available.iter().map(String::as_str).collect();
        if let Some(best) = Languages::parse(&text).best_of(&available) {
            prop_assert!(available.contains(&best));
        }
    }
}
