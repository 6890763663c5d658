use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::IF_MATCH};

use crate::error::{ApiError, ErrorCode};

/// The version that nothing has: they begin at 1.
const NEVER: i64 = 0;

/// The most versions that are tried. Whoever read something knows one.
const MOST_TAGS: usize = 8;

/// Under which versions a change may be made (RFC 9110, 13.1.1): under any, where the client does not
/// say or says `*`. A weak tag, and what is none of our tags, matches nothing.
#[derive(Debug)]
pub(crate) struct IfMatch(Option<BTreeSet<i64>>);

impl FromRequest for IfMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lines: Vec<_> = request.headers().get_all(IF_MATCH).map(|line| line.to_str().unwrap_or_default()).collect();
        ready(Ok(Self(match lines.as_slice() {
            [] => None,
            [any] if any.trim() == "*" => None,
            lines => Some(lines.iter().flat_map(|line| line.split(',')).map(version).take(MOST_TAGS).collect()),
        })))
    }
}

impl IfMatch {
    /// Makes a change that a manager guards by a version: under each that would do, until one does.
    pub(crate) async fn guard<T, E: Into<ApiError>>(
        &self,
        change: impl AsyncFn(Option<i64>) -> Result<T, E>,
    ) -> Result<T, ApiError> {
        let Some(versions) = &self.0 else { return change(None).await.map_err(Into::into) };
        let mut outcome = Err(ApiError::new(ErrorCode::VersionMismatch, "no version was named"));
        for &version in versions {
            outcome = change(Some(version)).await.map_err(Into::into);
            if !matches!(&outcome, Err(refusal) if refusal.code() == ErrorCode::VersionMismatch) {
                break;
            }
        }
        outcome
    }
}

/// The version that a tag names, as `ETag` writes it.
fn version(tag: &str) -> i64 {
    let number = tag.trim_matches([' ', '\t']).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    number.and_then(|text| text.parse().ok().filter(|version: &i64| version.to_string() == text)).unwrap_or(NEVER)
}
