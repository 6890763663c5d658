use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use crate::cookie;

/// What a caller shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// An access token.
    Bearer,
    /// A refresh token that his browser keeps.
    RefreshCookie,
}

impl Scheme {
    pub(super) const ALL: [Self; 2] = [Self::Bearer, Self::RefreshCookie];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::RefreshCookie => "refresh_cookie",
        }
    }

    /// That an operation asks for it.
    pub(super) fn required(self) -> SecurityRequirement {
        SecurityRequirement::new(self.name(), [""; 0])
    }

    pub(super) fn describe(self) -> SecurityScheme {
        match self {
            Self::Bearer => {
                let mut scheme = Http::new(HttpAuthScheme::Bearer);
                scheme.bearer_format = Some("JWT".to_owned());
                scheme.description = Some("The access token that a login answers with.".to_owned());
                SecurityScheme::Http(scheme)
            }
            Self::RefreshCookie => {
                let description = format!(
                    "The refresh token, which browsers keep and send by themselves. Where `public_url` is plain http \
                     it is named `{}`.",
                    cookie::PLAIN_NAME
                );
                SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(cookie::NAME, &description)))
            }
        }
    }
}
