use std::time::Duration;

use ipnet::IpNet;
use tracing::Span;

/// What the HTTP surface is told. The values are taken as they are: whoever reads the configuration
/// checks them.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// What stands before every path of the API: empty, or `/` and more without a `/` at its end.
    pub base_path: String,
    /// Where clients find this service: an origin, exactly as browsers send it. With `https` browsers are
    /// told to stay with it (HSTS), and the cookie of the refresh token is bound to it.
    pub public_url: String,
    /// The most bytes of a body.
    pub body_limit: usize,
    /// The most bytes of a body where somebody proves who he is.
    pub auth_body_limit: usize,
    /// The most bytes of a request line and its header fields.
    pub head_limit: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a request may take from its head to its answer.
    pub request_timeout: Duration,
    /// The origins whose scripts may call the API, each exactly as browsers send it. None: CORS is off.
    pub cors_origins: Vec<String>,
    /// The networks whose word on where a request came from is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Makes the span of a request part of the trace that a `traceparent` header names (W3C Trace Context).
    pub join_trace: Option<fn(traceparent: &str, span: &Span)>,
    /// Whether `/docs` and `/openapi.json` are there.
    pub docs: bool,
}

impl ApiSettings {
    /// Whether clients are served over https.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whether an origin, as a browser sent it, is among those whose scripts may call.
    pub(crate) fn lists_origin(&self, origin: &[u8]) -> bool {
        self.cors_origins.iter().any(|listed| listed.as_bytes() == origin)
    }
}

impl Default for ApiSettings {
    /// The defaults of the configuration: `/api/v1`, 64, 16 and 16 KiB, 10 s, 15 s, nobody trusted.
    fn default() -> Self {
        const KIB: usize = 1024;
        Self {
            base_path: "/api/v1".to_owned(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            body_limit: 64 * KIB,
            auth_body_limit: 16 * KIB,
            head_limit: 16 * KIB,
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(15),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            join_trace: None,
            docs: true,
        }
    }
}
