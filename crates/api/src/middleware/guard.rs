//! Around every resource: a deadline, a net for panics, and a note of what was denied.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error, HttpMessage,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    rt::time::timeout,
    web::Data,
};
use futures_util::FutureExt;
use usher_domain::{Actor, Principal};

use crate::{
    ApiState,
    error::{ApiError, ErrorCode},
    extract::client_info,
    request::route_of,
};

pub(crate) async fn guard<B: MessageBody + 'static>(
    state: Data<ApiState>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let head = request.request().clone();
    let work = async {
        let answer = next.call(request).await?;
        note_denied(&state, &answer).await;
        Ok(answer)
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let refusal = match timeout(state.settings.request_timeout, work).await {
        Ok(Ok(answer)) => return answer.map(ServiceResponse::map_into_left_body),
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            ApiError::internal()
        }
        Err(_) => ApiError::timeout(),
    };
    Ok(ServiceResponse::from_err(refusal, head).map_into_right_body())
}

/// Has it written down that somebody who is signed in tried what he may not. Whether that succeeds
/// changes nothing for him.
async fn note_denied<B>(state: &ApiState, answer: &ServiceResponse<B>) {
    let refusal = answer.response().error().and_then(|error| error.as_error::<ApiError>());
    if refusal.is_none_or(|refusal| refusal.code() != ErrorCode::Forbidden) {
        return;
    }
    let request = answer.request();
    let principal = request.extensions().get::<Principal>().cloned();
    let (Some(Principal::User { user, session }), Ok(client)) = (principal, client_info(request)) else { return };
    let actor = Actor::user(user, session, client);
    let route = format!("{} {}", request.method(), route_of(request));
    if let Err(error) = state.auth.note_denied(&actor, &route).await {
        tracing::warn!(%error, "what was denied could not be written down");
    }
}
