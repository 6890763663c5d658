use std::fmt;

/// The most languages that are looked at.
const MOST: usize = 8;

/// The longest tag that is looked at (RFC 5646, 4.4.1).
const LONGEST: usize = 35;

/// The languages that somebody reads, the best first, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages(Vec<String>);

impl Languages {
    /// Reads the form of `Accept-Language` (RFC 9110, 12.5.4). What is none of it is passed over: a mail is
    /// not worth refusing a request for.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut ranges: Vec<_> = text.split(',').filter_map(range).collect();
        ranges.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        Self(ranges.into_iter().map(|(_, tag)| tag).take(MOST).collect())
    }

    /// The first of them that there is something in, by the look-up of RFC 4647, 3.4: `de-at` finds `de`.
    #[must_use]
    pub fn best_of<'a>(&self, available: &[&'a str]) -> Option<&'a str> {
        self.0.iter().find_map(|tag| {
            let mut range = tag.as_str();
            loop {
                if let Some(found) = available.iter().find(|one| one.eq_ignore_ascii_case(range)) {
                    return Some(*found);
                }
                range = range.rsplit_once('-')?.0;
            }
        })
    }
}

impl fmt::Display for Languages {
    /// The form that [`parse`](Self::parse) reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// One language, and how much it is liked, in thousandths; none for one that is not.
fn range(text: &str) -> Option<(u16, String)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next()?;
    let well_formed = (1..=LONGEST).contains(&tag.len())
        && tag.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    let quality = match parts.next() {
        None => 1000,
        Some(weight) => thousandths(weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?)?,
    };
    (well_formed && quality > 0).then(|| (quality, tag.to_ascii_lowercase()))
}

/// A weight: `0` to `1` with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}
