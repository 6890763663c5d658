//! The pages that mails link to: static files, and nothing on them is inline. The token stands behind the
//! `#` of the link, which browsers keep to themselves; the script of the page posts it to the API.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web::{Bytes, Path},
};

use super::State;
use crate::{ApiState, error::ApiError};

/// What all pages have in common, with gaps for what they have not.
const FRAME: &str = include_str!("../pages/frame.html");

/// Everything from ourselves, and no form is sent but by the script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

pub(super) async fn reset_password_page(state: State) -> HttpResponse {
    page(&state, "Choose a new password", include_str!("../pages/reset-password.html"))
}

pub(super) async fn verify_email_page(state: State) -> HttpResponse {
    page(&state, "Confirm your address", include_str!("../pages/verify-email.html"))
}

pub(super) async fn accept_invitation_page(state: State) -> HttpResponse {
    page(&state, "Welcome", include_str!("../pages/accept-invitation.html"))
}

/// The base path holds nothing that HTML would take for its own: the configuration sees to it.
fn page(state: &ApiState, title: &str, views: &str) -> HttpResponse {
    let html = FRAME.replace("{title}", title).replace("{base_path}", &state.settings.base_path);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(html.replace("{views}\n", views))
}

pub(super) async fn pages_asset(name: Path<String>) -> Result<HttpResponse, ApiError> {
    let (content_type, body): (_, &[u8]) = match name.as_str() {
        "page.css" => ("text/css; charset=utf-8", include_bytes!("../pages/page.css")),
        "page.js" => ("text/javascript; charset=utf-8", include_bytes!("../pages/page.js")),
        "icon.png" => ("image/png", include_bytes!("../pages/icon.png")),
        _ => return Err(ApiError::not_found()),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(Bytes::from_static(body)))
}
