//! One span and one line in the log for every request. Never the path as it came, a query, a header
//! field or a body: only what is known to be harmless.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    web::Data,
};
use tracing::{Span, field::Empty};
use tracing_actix_web::RootSpanBuilder;

use crate::{
    ApiState,
    request::{RequestContext, method_of},
};

/// The span of a request: method, route template, request id, and later status, latency and user.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let context = RequestContext::of(request);
        let span = tracing::info_span!(
            "request",
            method = method_of(request.method()),
            route = context.as_ref().map(|context| &*context.route),
            request_id = context.as_ref().map(|context| tracing::field::display(&context.id)),
            user_id = Empty,
            status = Empty,
            latency_ms = Empty,
        );
        let caller = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        let state = request.app_data::<Data<ApiState>>();
        if let (Some(caller), Some(join)) = (caller, state.and_then(|state| state.settings.join_trace)) {
            join(caller, &span);
        }
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let Ok(response) = outcome else { return };
        span.record("status", response.status().as_u16());
        let request = response.request();
        let clock = request.app_data::<Data<ApiState>>().map(|state| &state.environment.clock);
        if let (Some(clock), Some(context)) = (clock, RequestContext::of(request)) {
            let latency = clock.monotonic().saturating_sub(context.started);
            span.record("latency_ms", latency.as_secs_f64() * 1000.0);
        }
        tracing::info!("request finished");
    }
}
