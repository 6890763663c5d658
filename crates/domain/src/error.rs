//! What the rules refuse, and how it is told: a closed list of codes, each with a sentence.

use std::fmt;

/// The kinds of fault that a value can have. Closed: clients switch on the wire names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultCode {
    /// The field is needed and is not there.
    Required,
    /// Nothing of that name is taken here.
    UnknownField,
    /// Well-formed, but it names nothing that exists.
    UnknownValue,
    /// A number where a text is expected, and the like.
    WrongType,
    /// Below the shortest allowed length.
    TooShort,
    /// Above the greatest allowed length or size.
    TooLong,
    /// Not of the expected form.
    InvalidFormat,
    /// A number beyond its bounds.
    OutOfRange,
    /// A name that is kept for the system.
    Reserved,
    /// Somebody has it already.
    Taken,
    /// A password without an upper-case letter.
    MissingUpper,
    /// A password without a lower-case letter.
    MissingLower,
    /// A password without a digit.
    MissingDigit,
    /// A password without a symbol.
    MissingSymbol,
    /// A password that attackers try first.
    TooCommon,
    /// A password that holds the name of its owner or of this service.
    ContainsIdentity,
}

impl FaultCode {
    /// Every code, in the order of the specification.
    pub const ALL: [Self; 16] = [
        Self::Required,
        Self::UnknownField,
        Self::UnknownValue,
        Self::WrongType,
        Self::TooShort,
        Self::TooLong,
        Self::InvalidFormat,
        Self::OutOfRange,
        Self::Reserved,
        Self::Taken,
        Self::MissingUpper,
        Self::MissingLower,
        Self::MissingDigit,
        Self::MissingSymbol,
        Self::TooCommon,
        Self::ContainsIdentity,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::UnknownField => "unknown_field",
            Self::UnknownValue => "unknown_value",
            Self::WrongType => "wrong_type",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::InvalidFormat => "invalid_format",
            Self::OutOfRange => "out_of_range",
            Self::Reserved => "reserved",
            Self::Taken => "taken",
            Self::MissingUpper => "missing_upper",
            Self::MissingLower => "missing_lower",
            Self::MissingDigit => "missing_digit",
            Self::MissingSymbol => "missing_symbol",
            Self::TooCommon => "too_common",
            Self::ContainsIdentity => "contains_identity",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The kind, for programs.
    pub code: FaultCode,
    /// A sentence for people; it never repeats the value, which may be a secret.
    pub message: String,
}

impl Fault {
    /// A fault of that kind.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A [`Fault`] and the field that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// A dotted path into what the caller sent, such as `metadata.theme`.
    pub field: String,
    /// The kind, for programs.
    pub code: FaultCode,
    /// A sentence for people.
    pub message: String,
}

/// Everything that is wrong with what a caller sent, told at once. Never empty when returned.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.summary())]
pub struct ValidationError {
    faults: Vec<FieldFault>,
}

impl ValidationError {
    /// An error with one fault.
    #[must_use]
    pub fn of(field: &str, fault: Fault) -> Self {
        let mut error = Self::default();
        error.push(field, fault);
        error
    }

    /// Notes one more fault.
    pub fn push(&mut self, field: &str, fault: Fault) {
        self.faults.push(FieldFault { field: field.to_owned(), code: fault.code, message: fault.message });
    }

    /// Notes all that is wrong with one value.
    pub fn push_all(&mut self, field: &str, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            self.push(field, fault);
        }
    }

    /// Takes the value, or notes why there is none: for checking all fields before giving up.
    pub fn check<T>(&mut self, field: &str, parsed: Result<T, Fault>) -> Option<T> {
        parsed.map_err(|fault| self.push(field, fault)).ok()
    }

    /// `Ok` as long as nothing was noted.
    ///
    /// # Errors
    /// The error itself once it holds a fault.
    pub fn into_result(self) -> Result<(), Self> {
        if self.faults.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The faults, in the order in which they were found.
    #[must_use]
    pub fn faults(&self) -> &[FieldFault] {
        &self.faults
    }

    /// Whether this field has a fault already.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.faults.iter().any(|fault| fault.field == field)
    }

    /// Whether nothing is wrong but that a new password, which is there, will not do.
    #[must_use]
    pub fn is_weak_password(&self) -> bool {
        !self.faults.is_empty()
            && self.faults.iter().all(|fault| {
                matches!(fault.field.as_str(), "password" | "new_password")
                    && !matches!(fault.code, FaultCode::Required | FaultCode::WrongType)
            })
    }

    fn summary(&self) -> String {
        let parts: Vec<_> = self.faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        parts.join("; ")
    }
}
