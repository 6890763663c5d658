#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod settings;
mod state;

use std::sync::Arc;

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    web,
};
pub use async_trait::async_trait;
pub use ipnet::IpNet;
pub use settings::ApiSettings;
pub use state::{ApiState, ReadinessProbe};

/// The whole HTTP surface: routes and everything that is wrapped around them. For each worker of an
/// `HttpServer`, and for tests.
#[must_use]
pub fn app(
    state: Arc<ApiState>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new().app_data(web::Data::from(state))
}
