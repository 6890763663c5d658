use std::sync::Arc;

use actix_web::{HttpRequest, web::Data};
use async_trait::async_trait;
use usher_service::{
    ActivityManager, AuthManager, Environment, MailboxManager, RegistrationManager, RolesManager, SessionsManager,
    TokenIssuer, UsersManager,
};

use crate::{ApiSettings, error::ApiError};

/// Everything that the handlers call, put together once by whoever runs the service.
#[derive(Clone)]
pub struct ApiState {
    /// Signing in, and knowing callers by their token.
    pub auth: AuthManager,
    /// Signing up.
    pub registration: RegistrationManager,
    /// Proving addresses, and getting back in.
    pub mailbox: MailboxManager,
    /// Accounts.
    pub users: UsersManager,
    /// Sessions.
    pub sessions: SessionsManager,
    /// Roles and permissions.
    pub roles: RolesManager,
    /// The activity log.
    pub activity: ActivityManager,
    /// The public keys.
    pub tokens: Arc<TokenIssuer>,
    /// What `/health/ready` asks.
    pub readiness: Arc<dyn ReadinessProbe>,
    /// Where latency and request ids come from.
    pub environment: Environment,
    /// What the HTTP surface is told.
    pub settings: ApiSettings,
}

/// Asked whenever somebody wants to know whether requests can be served.
#[async_trait]
pub trait ReadinessProbe: Send + Sync + 'static {
    /// The names of what is not ready, such as `database`; none if all is. Strangers see them.
    async fn unready(&self) -> Vec<&'static str>;

    /// Whether the server is about to stop. From then on every answer closes its connection, so that nobody sends a
    /// further request where it would not be answered.
    fn is_draining(&self) -> bool {
        false
    }
}

/// The state that [`app`](crate::app) put beside every request.
pub(crate) fn state_of(request: &HttpRequest) -> Result<&ApiState, ApiError> {
    request.app_data::<Data<ApiState>>().map(|state| &***state).ok_or_else(|| {
        tracing::error!("the handler was not mounted by usher_api::app");
        ApiError::internal()
    })
}
