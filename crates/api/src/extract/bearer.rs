use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderMap},
};
use futures_util::future::LocalBoxFuture;
use tracing::Span;
use usher_domain::Actor;

use super::{NoQuery, client::client_info};
use crate::{error::ApiError, state::state_of};

/// Whoever signed the request with his access token, and what he sent with it: nothing, unless the
/// handler names what it takes. The token is checked first, so nothing more is read from strangers.
#[derive(Debug)]
pub(crate) struct CurrentUser<Input = NoQuery> {
    pub actor: Actor,
    pub input: Input,
}

impl<Input> FromRequest for CurrentUser<Input>
where
    Input: FromRequest<Error = ApiError> + 'static,
{
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let actor = authenticate(&request).await?;
            let input = Input::from_request(&request, &mut payload).await?;
            Ok(Self { actor, input })
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<Actor, ApiError> {
    let token = bearer_token(request.headers())?;
    let actor = state_of(request)?.auth.authenticate(token, client_info(request)?).await?;
    if let Some(user) = actor.user_id() {
        Span::current().record("user_id", tracing::field::display(user));
    }
    // For the note of what was denied. Without what is known of the client, this is two counters.
    request.extensions_mut().insert(actor.principal().clone());
    Ok(actor)
}

/// The token of the one `Authorization` header (RFC 6750, 2.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut sent = headers.get_all(AUTHORIZATION);
    let header = sent.next().ok_or_else(|| ApiError::unauthenticated(false))?;
    if sent.next().is_some() {
        return Err(ApiError::unauthenticated(true));
    }
    let (scheme, token) =
        header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(|| ApiError::unauthenticated(false))?;
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(ApiError::unauthenticated(false));
    }
    Ok(token.trim_matches(' '))
}
