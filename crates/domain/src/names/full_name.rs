use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{check_length, name_type};
use crate::{Fault, FaultCode};

/// What a person is called, in any script: 1-100 characters.
///
/// Letters and combining marks, hyphens and apostrophes within, full stops after a letter, single
/// spaces between words. Nothing invisible, and nothing that changes the direction of the text
/// around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullName(String);

impl FullName {
    /// The most characters.
    pub const MAX_LENGTH: usize = 100;

    /// Reads a name.
    ///
    /// # Errors
    /// [`FaultCode::TooShort`], [`FaultCode::TooLong`] or [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        check_length(text, 1, Self::MAX_LENGTH)?;
        let mut before: Option<Kind> = None;
        for c in text.chars() {
            let kind = Kind::of(c).filter(|kind| kind.may_follow(before)).ok_or_else(malformed)?;
            before = Some(kind);
        }
        match before {
            Some(Kind::Letter | Kind::Mark | Kind::Stop) => Ok(Self(text.to_owned())),
            _ => Err(malformed()),
        }
    }

    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What searches compare: NFKC, lower case. Not unique.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.nfkc().collect::<String>().to_lowercase()
    }

    /// Whether it holds letters, marks and hyphens alone.
    pub(super) fn is_strict(&self) -> bool {
        self.0.chars().all(|c| matches!(Kind::of(c), Some(Kind::Letter | Kind::Mark | Kind::Hyphen)))
    }
}

name_type!(FullName);

fn malformed() -> Fault {
    Fault::new(
        FaultCode::InvalidFormat,
        "may hold letters, hyphens and apostrophes within, full stops after a letter, and single spaces between words",
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Mark,
    Hyphen,
    Apostrophe,
    Stop,
    Space,
}

impl Kind {
    fn of(c: char) -> Option<Self> {
        match c {
            ' ' => Some(Self::Space),
            '.' => Some(Self::Stop),
            '-' | '\u{2010}' => Some(Self::Hyphen),
            '\'' | '\u{2019}' => Some(Self::Apostrophe),
            c if is_invisible(c) => None,
            c if is_combining_mark(c) => Some(Self::Mark),
            c if c.is_alphabetic() => Some(Self::Letter),
            _ => None,
        }
    }

    fn may_follow(self, before: Option<Self>) -> bool {
        use Kind::{Apostrophe, Hyphen, Letter, Mark, Space, Stop};
        match self {
            Letter => true,
            Mark | Stop => matches!(before, Some(Letter | Mark)),
            Hyphen | Space => matches!(before, Some(Letter | Mark | Stop)),
            Apostrophe => matches!(before, Some(Letter | Mark | Stop | Space)),
        }
    }
}

/// Letters and marks of Unicode that show nothing (`Default_Ignorable_Code_Point`, UAX 44).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}
