//! The one table of paths, and how it becomes routes.

mod activity;
mod auth;
mod docs;
mod endpoint;
mod health;
mod jwks;
mod mailbox;
mod me;
mod openapi;
mod pages;
mod roles;
mod sessions;
mod users;

use actix_web::{
    http::{
        Method,
        header::{ALLOW, HeaderValue},
    },
    middleware::from_fn,
    web::{self, ServiceConfig},
};
pub(crate) use endpoint::{Endpoint, Place};

use crate::{
    ApiSettings, ApiState,
    error::{ApiError, ErrorCode},
    middleware::guard::guard,
};

type State = web::Data<ApiState>;

const GET: &[Method] = &[Method::GET];
const GET_AND_HEAD: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];
const PATCH: &[Method] = &[Method::PATCH];
const DELETE: &[Method] = &[Method::DELETE];

/// Every route: methods, path, handler, what is documented of it. Of two paths that match one request
/// the literal one counts, else the first in the table; so it is with two endpoints of one path and method.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(POST, "/auth/signup", auth::sign_up, auth::sign_up_docs()).takes_secret(),
        Endpoint::new(POST, "/auth/login", auth::login, auth::login_docs()).alias("/users/login").takes_secret(),
        Endpoint::new(POST, "/auth/refresh", auth::refresh, auth::refresh_docs())
            .alias("/auth/refresh_token")
            .takes_secret(),
        Endpoint::new(POST, "/auth/logout", auth::logout, auth::logout_docs()).takes_secret(),
        Endpoint::new(POST, "/auth/verify-email/request", mailbox::request_verification_of, None)
            .without_token()
            .takes_secret(),
        Endpoint::new(
            POST,
            "/auth/verify-email/request",
            mailbox::request_verification,
            mailbox::request_verification_docs(),
        )
        .takes_secret(),
        Endpoint::new(POST, "/auth/verify-email", mailbox::verify_email, mailbox::verify_email_docs()).takes_secret(),
        Endpoint::new(POST, "/auth/reset-password", mailbox::request_reset, mailbox::request_reset_docs())
            .alias("/users/reset-password")
            .takes_secret(),
        Endpoint::new(POST, "/auth/reset-password/confirm", mailbox::reset_password, mailbox::reset_password_docs())
            .alias("/users/reset-password/confirm")
            .takes_secret(),
        Endpoint::new(GET, "/auth/me", auth::current_user, me::get_me_docs()),
        Endpoint::new(GET, "/users/me", me::get_me, me::get_me_docs()),
        Endpoint::new(PUT, "/users/me", me::replace_me, me::replace_me_docs()),
        Endpoint::new(PATCH, "/users/me", me::update_me, me::update_me_docs()),
        Endpoint::new(DELETE, "/users/me", me::delete_me, me::delete_me_docs()).takes_secret(),
        Endpoint::new(POST, "/users/me/password", me::change_password, me::change_password_docs()).takes_secret(),
        Endpoint::new(POST, "/users/me/email", me::change_email, me::change_email_docs()).takes_secret(),
        Endpoint::new(GET, "/users/me/export", me::export_me, me::export_me_docs()),
        Endpoint::new(GET, "/users/me/sessions", sessions::list_my_sessions, sessions::list_my_sessions_docs()),
        Endpoint::new(DELETE, "/users/me/sessions/{id}", sessions::end_my_session, sessions::end_my_session_docs()),
        Endpoint::new(GET, "/users/me/activity", activity::list_my_activity, activity::list_my_activity_docs()),
        Endpoint::new(GET, "/users", users::list_users, users::list_users_docs()),
        Endpoint::new(POST, "/users", users::register, None).without_token().takes_secret(),
        Endpoint::new(POST, "/users", users::create_user, users::create_user_docs()),
        Endpoint::new(GET, "/users/{id}", users::get_user, users::get_user_docs()),
        Endpoint::new(PUT, "/users/{id}", users::replace_user, users::replace_user_docs()),
        Endpoint::new(PATCH, "/users/{id}", users::update_user, users::update_user_docs()),
        Endpoint::new(DELETE, "/users/{id}", users::delete_user, users::delete_user_docs()),
        Endpoint::new(PUT, "/users/{id}/roles", users::set_roles, users::set_roles_docs()),
        Endpoint::new(POST, "/users/{id}/deactivate", users::deactivate_user, users::deactivate_user_docs()),
        Endpoint::new(POST, "/users/{id}/activate", users::activate_user, users::activate_user_docs()),
        Endpoint::new(POST, "/users/{id}/restore", users::restore_user, users::restore_user_docs()),
        Endpoint::new(POST, "/users/{id}/password", users::set_password, users::set_password_docs()).takes_secret(),
        Endpoint::new(POST, "/users/{id}/reset-password", users::send_reset, users::send_reset_docs()),
        Endpoint::new(GET, "/users/{id}/sessions", sessions::list_sessions, sessions::list_sessions_docs()),
        Endpoint::new(DELETE, "/users/{id}/sessions", sessions::end_sessions, sessions::end_sessions_docs()),
        Endpoint::new(GET, "/users/{id}/activity", activity::list_user_activity, activity::list_user_activity_docs()),
        Endpoint::new(GET, "/roles", roles::list_roles, roles::list_roles_docs()),
        Endpoint::new(POST, "/roles", roles::create_role, roles::create_role_docs()),
        Endpoint::new(GET, "/roles/{name}", roles::get_role, roles::get_role_docs()),
        Endpoint::new(PUT, "/roles/{name}", roles::replace_role, roles::replace_role_docs()),
        Endpoint::new(PATCH, "/roles/{name}", roles::update_role, roles::update_role_docs()),
        Endpoint::new(DELETE, "/roles/{name}", roles::delete_role, roles::delete_role_docs()),
        Endpoint::new(GET, "/permissions", roles::list_permissions, roles::list_permissions_docs()),
        Endpoint::new(GET, "/activity", activity::list_activity, activity::list_activity_docs()),
        Endpoint::new(GET, "/.well-known/jwks.json", jwks::jwks, jwks::jwks_docs()).at(Place::Outside),
        Endpoint::new(GET_AND_HEAD, "/health/live", health::health_live, health::health_live_docs()).at(Place::Outside),
        Endpoint::new(GET_AND_HEAD, "/health/ready", health::health_ready, health::health_ready_docs())
            .at(Place::Outside),
        Endpoint::new(GET, "/pages/reset-password", pages::reset_password_page, None).at(Place::Outside),
        Endpoint::new(GET, "/pages/verify-email", pages::verify_email_page, None).at(Place::Outside),
        Endpoint::new(GET, "/pages/accept-invitation", pages::accept_invitation_page, None).at(Place::Outside),
        Endpoint::new(GET, "/pages/{asset}", pages::pages_asset, None).at(Place::Outside),
        Endpoint::new(GET, "/openapi.json", openapi::openapi_json, openapi::openapi_json_docs())
            .at(Place::Documentation),
        Endpoint::new(GET, "/docs", docs::docs_page, None).at(Place::Documentation),
        Endpoint::new(GET, "/docs/{asset}", docs::docs_asset, None).at(Place::Documentation),
    ]
}

/// Mounts every route, with and without a slash at the end; what is left is not found.
///
/// Each path is a resource of its own, the literal ones first: those are found by comparing texts, and
/// only what is none of them is matched against the expressions of the others.
pub(crate) fn configure(config: &mut ServiceConfig, settings: &ApiSettings) {
    let mut endpoints = endpoints();
    endpoints.retain(|endpoint| endpoint.place != Place::Documentation || settings.docs);
    let mut resources = Vec::<(String, Vec<&Endpoint>)>::new();
    for endpoint in &endpoints {
        for path in endpoint.paths(&settings.base_path) {
            match resources.iter_mut().find(|(other, _)| *other == path) {
                Some((_, endpoints)) => endpoints.push(endpoint),
                None => resources.push((path, vec![endpoint])),
            }
        }
    }
    resources.sort_by_key(|(path, _)| path.contains('{'));
    for (path, endpoints) in resources {
        mount(config, &path, &endpoints);
        mount(config, &format!("{path}/"), &endpoints);
    }
    config.app_data(web::Data::new(openapi::Document::default())).default_service(web::to(not_found));
}

/// All endpoints of one path. Every other method is refused with a list of those that there are.
fn mount(config: &mut ServiceConfig, path: &str, endpoints: &[&Endpoint]) {
    let mut methods: Vec<_> = endpoints.iter().flat_map(|endpoint| &endpoint.methods).map(Method::as_str).collect();
    methods.dedup();
    let allow = methods.join(", ");
    let mut resource = web::resource(path).default_service(web::to(move || method_not_allowed(allow.clone())));
    for endpoint in endpoints {
        resource = resource.route(endpoint.route());
    }
    config.service(resource.wrap(from_fn(guard)));
}

async fn not_found() -> Result<&'static str, ApiError> {
    Err(ApiError::not_found())
}

async fn method_not_allowed(allow: String) -> Result<&'static str, ApiError> {
    let allow = HeaderValue::from_str(&allow).map_err(|_| ApiError::internal())?;
    let message = "the path does not have this method";
    Err(ApiError::new(ErrorCode::MethodNotAllowed, message).with_header(ALLOW, allow))
}
