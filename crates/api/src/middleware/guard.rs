//! Around every resource: a deadline, and a net for panics.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    rt::time::timeout,
    web::Data,
};
use futures_util::FutureExt;

use crate::{ApiState, error::ApiError};

pub(crate) async fn guard<B: MessageBody + 'static>(
    state: Data<ApiState>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let head = request.request().clone();
    let work = AssertUnwindSafe(next.call(request)).catch_unwind();
    let refusal = match timeout(state.settings.request_timeout, work).await {
        Ok(Ok(answer)) => return Ok(answer?.map_into_left_body()),
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            ApiError::internal()
        }
        Err(_) => ApiError::timeout(),
    };
    Ok(ServiceResponse::from_err(refusal, head).map_into_right_body())
}
