#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cookie;
mod cursor;
mod dto;
mod envelope;
mod error;
mod extract;
pub mod metrics;
mod middleware;
mod openapi;
mod request;
mod routes;
mod same_site;
mod settings;
mod state;

use std::sync::Arc;

use actix_web::{
    App, Error,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web,
};
pub use async_trait::async_trait;
pub use dto::{ActivityRead, RoleRead, UserRead};
pub use error::ErrorCode;
pub use ipnet::IpNet;
pub use openapi::openapi;
pub use settings::ApiSettings;
pub use state::{ApiState, ReadinessProbe};
use tracing_actix_web::TracingLogger;
use usher_domain::RequestId;

use crate::middleware::{RequestSpan, cors::cors, edge::edge, head_limit::head_limit};

/// The body of the answer that the service is out of reach, for whoever has to give it without a server.
#[must_use]
pub fn unavailable_body(message: &'static str, request_id: &RequestId) -> Vec<u8> {
    envelope::error_body(&error::ApiError::unavailable(message), request_id.as_str())
}

/// The whole HTTP surface, routes and everything that is wrapped around them: one for each worker of an
/// `HttpServer`.
#[must_use]
pub fn app(
    state: Arc<ApiState>,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
> {
    App::new()
        .configure(|config| routes::configure(config, &state.settings))
        .app_data(web::Data::from(state))
        .wrap(from_fn(cors))
        .wrap(from_fn(head_limit))
        .wrap(TracingLogger::<RequestSpan>::new())
        .wrap(from_fn(edge))
}
