//! Traces, told to an OpenTelemetry collector (OTLP over HTTP).

use std::{collections::HashMap, time::Duration};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::{
    KeyValue,
    propagation::TextMapPropagator,
    trace::{SpanKind, Status, TracerProvider},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};
use url::Url;
use usher_api::async_trait;

/// How long the collector may take to answer. Nothing waits for it but the end of the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// What tells the collector of spans, a batch every few seconds, from a thread of its own.
#[derive(Debug, Clone)]
pub struct Traces(SdkTracerProvider);

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}")]
pub struct TracesError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Traces {
    /// To the collector at this address, below which `/v1/traces` is. In a runtime, which then sends them.
    pub(super) fn start(endpoint: &Url) -> Result<Self, TracesError> {
        let connector = HttpsConnectorBuilder::new().with_native_roots().map_err(|error| TracesError(error.into()))?;
        let client = HyperClient::new(connector.https_or_http().enable_http1().build(), PATIENCE, None);
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(InRuntime { client, runtime: Handle::current() })
            .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| TracesError(error.into()))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("usher").with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_resource(resource);
        Ok(Self(provider.with_batch_exporter(Renaming(exporter)).build()))
    }

    /// What makes a trace of each request and of what is done for it. Only our own spans, none of which holds
    /// anything secret.
    pub(super) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("usher"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target("usher", LevelFilter::DEBUG))
    }

    /// Tells the collector what it was not told yet, if it answers in time.
    pub async fn stop(self) {
        // The thread that sends needs this runtime to go on.
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes the span of a request part of the trace that its caller has begun (W3C Trace Context).
pub(crate) fn join(traceparent: &str, span: &Span) {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    // An error says that traces are off.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// The exporter's thread belongs to no runtime; what it sends is sent in this one.
#[derive(Debug)]
struct InRuntime {
    client: HyperClient<HttpsConnector<HttpConnector>>,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for InRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

/// Gives the spans of requests the names that OpenTelemetry has for them (its conventions for HTTP).
#[derive(Debug)]
struct Renaming(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Renaming {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().filter(|span| span.name == "request").for_each(rename);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn rename(span: &mut SpanData) {
    let text = |span: &SpanData, key: &str| {
        span.attributes.iter().find(|it| it.key.as_str() == key).map(|it| it.value.to_string())
    };
    if let (Some(method), Some(route)) = (text(span, "method"), text(span, "route")) {
        span.name = format!("{method} {route}").into();
    }
    span.span_kind = SpanKind::Server;
    if text(span, "status").is_some_and(|status| status.starts_with('5')) {
        span.status = Status::error("");
    }
    for attribute in &mut span.attributes {
        let name = match attribute.key.as_str() {
            "method" => "http.request.method",
            "route" => "http.route",
            "status" => "http.response.status_code",
            "user_id" => "enduser.id",
            _ => continue,
        };
        attribute.key = name.into();
    }
}
