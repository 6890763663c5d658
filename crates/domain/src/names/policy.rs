use std::collections::BTreeSet;

use regex_lite::Regex;

use super::{FullName, Username};
use crate::{Fault, FaultCode};

/// Names that nobody can give himself: they would pass for the system, or for a route of it.
const RESERVED: [&str; 41] = [
    "account",
    "activity",
    "admin",
    "administrator",
    "api",
    "auth",
    "bot",
    "docs",
    "everyone",
    "export",
    "health",
    "help",
    "info",
    "invite",
    "jwks",
    "login",
    "logout",
    "mail",
    "me",
    "metrics",
    "moderator",
    "nobody",
    "null",
    "official",
    "openapi",
    "operator",
    "owner",
    "password",
    "permissions",
    "postmaster",
    "refresh",
    "register",
    "reset-password",
    "roles",
    "root",
    "security",
    "signup",
    "superuser",
    "support",
    "system",
    "users",
];

/// Who gives the name, which decides whether reserved words are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameOrigin {
    /// Somebody names himself, by sign-up or rename.
    Oneself,
    /// Somebody who may write users names another.
    Administrator,
}

/// How wide full names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FullNameStyle {
    /// Everything that [`FullName`] allows.
    #[default]
    International,
    /// Letters and hyphens only.
    Strict,
}

/// The settings that narrow names where they are set.
#[derive(Debug, Clone)]
pub struct NamePolicy {
    username_pattern: Option<Regex>,
    username_max: usize,
    reserved: BTreeSet<String>,
    full_name_style: FullNameStyle,
}

impl Default for NamePolicy {
    fn default() -> Self {
        Self {
            username_pattern: None,
            username_max: Username::MAX_LENGTH,
            reserved: RESERVED.iter().map(|&word| word.to_owned()).collect(),
            full_name_style: FullNameStyle::default(),
        }
    }
}

impl NamePolicy {
    /// Usernames must match this regular expression as a whole, besides the outer bounds.
    ///
    /// # Errors
    /// A sentence on what is wrong with the expression.
    pub fn with_username_pattern(mut self, pattern: &str) -> Result<Self, String> {
        let whole = format!("^(?:{pattern})$");
        self.username_pattern = Some(Regex::new(&whole).map_err(|error| error.to_string())?);
        Ok(self)
    }

    /// The most characters of a username, at most [`Username::MAX_LENGTH`].
    #[must_use]
    pub fn with_username_max(mut self, max: usize) -> Self {
        self.username_max = max.min(Username::MAX_LENGTH);
        self
    }

    /// Reserves these words instead of the built-in ones; case does not matter.
    #[must_use]
    pub fn with_reserved(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.reserved = words.into_iter().map(|word| word.to_ascii_lowercase()).collect();
        self
    }

    /// How wide full names are.
    #[must_use]
    pub fn with_full_name_style(mut self, style: FullNameStyle) -> Self {
        self.full_name_style = style;
        self
    }

    /// The words that nobody can give himself, in lower case.
    pub fn reserved(&self) -> impl Iterator<Item = &str> {
        self.reserved.iter().map(String::as_str)
    }

    /// Reads a username that is about to be set.
    ///
    /// # Errors
    /// Those of [`Username::parse`], [`FaultCode::Reserved`], or [`FaultCode::InvalidFormat`] where
    /// the pattern does not match.
    pub fn username(&self, text: &str, origin: UsernameOrigin) -> Result<Username, Fault> {
        let username = Username::parse(text)?;
        if text.len() > self.username_max {
            let max = self.username_max;
            return Err(Fault::new(FaultCode::TooLong, format!("must have at most {max} characters")));
        }
        if self.username_pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            return Err(Fault::new(FaultCode::InvalidFormat, "is not of the form that this service asks for"));
        }
        if origin == UsernameOrigin::Oneself && self.reserved.contains(&username.key()) {
            return Err(Fault::new(FaultCode::Reserved, "is reserved"));
        }
        Ok(username)
    }

    /// Reads a full name that is about to be set.
    ///
    /// # Errors
    /// Those of [`FullName::parse`], or [`FaultCode::InvalidFormat`] under the strict style.
    pub fn full_name(&self, text: &str) -> Result<FullName, Fault> {
        let name = FullName::parse(text)?;
        match self.full_name_style {
            FullNameStyle::Strict if !name.is_strict() => {
                Err(Fault::new(FaultCode::InvalidFormat, "may hold only letters and hyphens"))
            }
            FullNameStyle::Strict | FullNameStyle::International => Ok(name),
        }
    }
}
