use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use crate::error::ApiError;

/// What the path names: its one `{...}`, an id or the name of a role. What is none is not found: taken first, so that
/// such a path is no route at all, whoever asks.
#[derive(Debug)]
pub(crate) struct PathId<T>(pub T);

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().iter().next().and_then(|(_, text)| text.parse().ok());
        ready(id.map(Self).ok_or_else(ApiError::not_found))
    }
}
