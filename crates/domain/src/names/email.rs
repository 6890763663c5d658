use super::name_type;
use crate::{Fault, FaultCode};

/// An e-mail address that mail can be sent to: sized as RFC 5321 says (4.5.3.1), the local part a
/// dot-atom of ASCII, the domain as lower-case A-labels with at least two labels.
///
/// Dots and plus signs in the local part are kept: only the mailbox's owner knows what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    address: String,
    at: usize,
}

impl EmailAddress {
    /// The most bytes of a whole address.
    pub const MAX_LENGTH: usize = 254;
    /// The most bytes before the `@`.
    pub const MAX_LOCAL_LENGTH: usize = 64;

    /// Reads an address; white space around it is dropped.
    ///
    /// # Errors
    /// [`FaultCode::TooLong`] or [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let too_long = || Fault::new(FaultCode::TooLong, "must have at most 254 bytes, 64 of them before the @");
        if text.len() > Self::MAX_LENGTH {
            return Err(too_long());
        }
        let malformed = || Fault::new(FaultCode::InvalidFormat, "must be an e-mail address such as name@example.org");
        let (local, domain) = text.split_once('@').ok_or_else(malformed)?;
        if local.len() > Self::MAX_LOCAL_LENGTH {
            return Err(too_long());
        }
        if !is_dot_atom(local) {
            return Err(malformed());
        }
        let domain = ascii_domain(domain).ok_or_else(malformed)?;
        let address = format!("{local}@{domain}");
        if address.len() > Self::MAX_LENGTH {
            return Err(too_long());
        }
        Ok(Self { at: local.len(), address })
    }

    /// The address as mail is sent to it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The same address in the form of its [`key`](Self::key).
    #[must_use]
    pub fn folded(&self) -> Self {
        Self { address: self.key(), at: self.at }
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.address.split_at(self.at).0
    }

    /// What uniqueness is decided on: ASCII lower case throughout. Unicode case folding would let
    /// one mailbox pose as another (CVE-2019-19844).
    #[must_use]
    pub fn key(&self) -> String {
        self.address.to_ascii_lowercase()
    }
}

name_type!(EmailAddress);

/// RFC 5322, 3.2.3: runs of `atext` with single dots between them. But no `%`: what stands for another character to
/// one program, and for a route to an old relay (RFC 5321, F.2), is no part of anybody's address.
fn is_dot_atom(local: &str) -> bool {
    let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$&'*+-/=?^_`{|}~".contains(&b);
    local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext))
}

/// The domain as lower-case A-labels, if it is one that the DNS could hold.
fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let label = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = ascii.rsplit('.').next()?;
    let well_formed = ascii.contains('.') && ascii.split('.').all(label) && !top.bytes().all(|b| b.is_ascii_digit());
    well_formed.then_some(ascii)
}
