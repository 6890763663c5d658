//! What a new password must be. Never asked about a password that is merely checked.

use std::{collections::HashSet, sync::LazyLock};

use crate::{EmailAddress, Fault, FaultCode, PlainPassword, Username};

/// Passwords that attackers try first, lower-cased, one a line; see `NOTICE` for the source.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../data/common-passwords.txt").lines().collect());

/// Shorter names are part of too many words to be forbidden in passwords.
const SHORTEST_IDENTITY: usize = 4;

/// A kind of character that a password can be asked to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CharacterClass {
    /// An upper-case letter of any script.
    Upper,
    /// A lower-case letter of any script.
    Lower,
    /// A decimal digit 0-9.
    Digit,
    /// Anything that is neither letter nor digit nor white space.
    Symbol,
}

impl CharacterClass {
    /// All of them: the default requirement.
    pub const ALL: [Self; 4] = [Self::Upper, Self::Lower, Self::Digit, Self::Symbol];

    fn holds(self, c: char) -> bool {
        match self {
            Self::Upper => c.is_uppercase(),
            Self::Lower => c.is_lowercase(),
            Self::Digit => c.is_ascii_digit(),
            Self::Symbol => !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control(),
        }
    }

    fn fault(self) -> Fault {
        let (code, what) = match self {
            Self::Upper => (FaultCode::MissingUpper, "an upper-case letter"),
            Self::Lower => (FaultCode::MissingLower, "a lower-case letter"),
            Self::Digit => (FaultCode::MissingDigit, "a digit"),
            Self::Symbol => (FaultCode::MissingSymbol, "a symbol"),
        };
        Fault::new(code, format!("must hold at least {what}"))
    }
}

/// Whose password it will be: names that it must not contain.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordContext<'a> {
    /// The owner's username.
    pub username: Option<&'a Username>,
    /// The owner's address; its local part counts.
    pub email: Option<&'a EmailAddress>,
}

/// The rules for new passwords.
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    min_length: usize,
    max_length: usize,
    require: Vec<CharacterClass>,
    blocklist: bool,
}

impl Default for PasswordPolicy {
    /// 8-128 code points, every class of character, common passwords refused.
    fn default() -> Self {
        Self { min_length: Self::SHORTEST, max_length: 128, require: CharacterClass::ALL.to_vec(), blocklist: true }
    }
}

impl PasswordPolicy {
    /// The floor of the minimum length (NIST SP 800-63B-4, 3.1.1.1; ASVS 6.2.1).
    pub const SHORTEST: usize = 8;
    /// The ceiling of the maximum length: beyond it hashing the text itself becomes work.
    pub const LONGEST: usize = 1024;

    /// Lengths in code points after NFKC, kept within [`SHORTEST`](Self::SHORTEST) and
    /// [`LONGEST`](Self::LONGEST).
    #[must_use]
    pub fn with_lengths(mut self, min: usize, max: usize) -> Self {
        self.min_length = min.clamp(Self::SHORTEST, Self::LONGEST);
        self.max_length = max.clamp(self.min_length, Self::LONGEST);
        self
    }

    /// The classes that must occur; none of them for passphrases.
    #[must_use]
    pub fn with_required(mut self, classes: impl IntoIterator<Item = CharacterClass>) -> Self {
        self.require = classes.into_iter().collect();
        self
    }

    /// Whether common passwords are refused.
    #[must_use]
    pub fn with_blocklist(mut self, blocklist: bool) -> Self {
        self.blocklist = blocklist;
        self
    }

    /// Everything that is wrong with a new password, at once; nothing if it will do.
    #[must_use]
    pub fn faults(&self, password: &PlainPassword, context: PasswordContext<'_>) -> Vec<Fault> {
        let text = password.normalized();
        let mut faults = Vec::new();
        let length = text.chars().count();
        if length < self.min_length {
            let min = self.min_length;
            faults.push(Fault::new(FaultCode::TooShort, format!("must have at least {min} characters")));
        }
        if length > self.max_length {
            let max = self.max_length;
            faults.push(Fault::new(FaultCode::TooLong, format!("must have at most {max} characters")));
            return faults;
        }
        if text.contains('\0') {
            faults.push(Fault::new(FaultCode::InvalidFormat, "must not hold the character U+0000"));
        }
        faults.extend(
            self.require.iter().filter(|class| !text.chars().any(|c| class.holds(c))).map(|class| class.fault()),
        );
        let folded = text.to_lowercase();
        if self.blocklist && is_common(&folded) {
            faults.push(Fault::new(FaultCode::TooCommon, "is among the passwords that attackers try first"));
        }
        if contains_identity(&folded, context) {
            faults.push(Fault::new(
                FaultCode::ContainsIdentity,
                "must not contain the username, the e-mail address's name or the name of this service",
            ));
        }
        faults
    }
}

fn contains_identity(folded: &str, context: PasswordContext<'_>) -> bool {
    let username = context.username.map(|name| name.as_str().to_lowercase());
    let local_part = context.email.map(|email| email.local_part().to_lowercase());
    [Some("usher"), username.as_deref(), local_part.as_deref()]
        .into_iter()
        .flatten()
        .any(|name| name.chars().count() >= SHORTEST_IDENTITY && folded.contains(name))
}

/// Whether a lower-cased password is on the list, as it is or once the usual disguises are off:
/// substituted characters, and digits and symbols around the word.
fn is_common(folded: &str) -> bool {
    let decoration = |c: char| !c.is_alphabetic();
    let bare = [
        folded,
        folded.trim_start_matches(decoration),
        folded.trim_end_matches(decoration),
        folded.trim_matches(decoration),
    ];
    bare.iter().any(|word| {
        COMMON.contains(word)
            || ['i', 'l'].iter().any(|&one| {
                let undone: String = word.chars().map(|c| undo_substitution(c, one)).collect();
                COMMON.contains(undone.as_str()) || COMMON.contains(undone.trim_matches(decoration))
            })
    })
}

/// The letter that a digit or symbol usually stands for; `1` can be two of them.
fn undo_substitution(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '2' => 'z',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}
