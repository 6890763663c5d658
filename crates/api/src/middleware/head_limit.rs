//! A request line and header fields of bounded size (RFC 6585, 5). The parser itself stops at 96 fields
//! and at 128 KiB, with an answer of its own.

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};

use crate::{
    ApiState,
    error::{ApiError, ErrorCode},
};

pub(crate) async fn head_limit<B: MessageBody + 'static>(
    state: Data<ApiState>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let limit = state.settings.head_limit;
    if head_size(&request) > limit {
        let message = format!("request line and header fields may have at most {limit} bytes");
        let refusal = ApiError::new(ErrorCode::HeadersTooLarge, message);
        let (head, _) = request.into_parts();
        return Ok(ServiceResponse::from_err(refusal, head).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// As it came over the wire, give or take optional white space.
fn head_size(request: &ServiceRequest) -> usize {
    const REQUEST_LINE: usize = "  HTTP/1.1\r\n".len();
    const FIELD: usize = ": \r\n".len();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD);
    request.method().as_str().len() + target + REQUEST_LINE + fields.sum::<usize>()
}
