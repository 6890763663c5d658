//! `/metrics`, for Prometheus, on an address of its own.

use std::{io, net::TcpListener, sync::Arc, sync::OnceLock, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::Server,
    web::{self, Data},
};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::timeout;
use usher_service::{Environment, PasswordHasher};
use usher_storage::{MailQueries, PoolUsage, SeaOrmBackend};

/// What Prometheus is told the answer is (its text format, 0.0.4).
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long the database is given to tell of the queue of mails.
const PATIENCE: Duration = Duration::from_secs(1);

/// From what answers without a query up to the deadline of a request.
const LATENCIES: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

const BUILD: &str = "usher_build_info";
const CONNECTIONS: &str = "usher_db_connections";
const MOST_CONNECTIONS: &str = "usher_db_connections_max";
const HASH_JOBS: &str = "usher_hash_jobs";
const HASH_REFUSED: &str = "usher_hash_refused_total";
const MAIL_QUEUE: &str = "usher_mail_queue_mails";
const MAIL_AGE: &str = "usher_mail_queue_oldest_seconds";

/// What is asked whenever somebody wants to know.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) backend: Arc<SeaOrmBackend>,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) environment: Environment,
}

/// The recorder of this process. Later calls find the one that is there.
pub(crate) fn recorder() -> Result<PrometheusHandle, BuildError> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(recorder) = RECORDER.get() {
        return Ok(recorder.clone());
    }
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCIES)?;
    let recorder = builder.install_recorder()?;
    describe();
    Ok(RECORDER.get_or_init(|| recorder).clone())
}

/// Serves `/metrics`, and nothing else, to whoever reaches the address.
pub(crate) fn server(listener: TcpListener, recorder: PrometheusHandle, sources: Sources) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        let state = (Data::new(recorder.clone()), Data::new(sources.clone()));
        App::new().app_data(state.0).app_data(state.1).route("/metrics", web::get().to(show))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

async fn show(recorder: Data<PrometheusHandle>, sources: Data<Sources>) -> HttpResponse {
    sources.ask().await;
    HttpResponse::Ok().content_type(TEXT_FORMAT).body(recorder.render())
}

impl Sources {
    async fn ask(&self) {
        for PoolUsage { name, open, busy, most } in self.backend.pools() {
            gauge!(CONNECTIONS, "pool" => name, "state" => "busy").set(busy);
            gauge!(CONNECTIONS, "pool" => name, "state" => "idle").set(open - busy);
            gauge!(MOST_CONNECTIONS, "pool" => name).set(most);
        }
        let hashing = self.hasher.stats();
        gauge!(HASH_JOBS, "state" => "waiting").set(hashing.waiting as f64);
        gauge!(HASH_JOBS, "state" => "running").set(hashing.running as f64);
        counter!(HASH_REFUSED).absolute(hashing.refused);
        // A database that does not answer is told of by everything else.
        if let Ok(Ok(mails)) = timeout(PATIENCE, self.backend.mail_backlog()).await {
            let age = mails.oldest.map_or(Duration::ZERO, |oldest| self.environment.clock.now().since(oldest));
            gauge!(MAIL_QUEUE).set(mails.count as f64);
            gauge!(MAIL_AGE).set(age.as_secs_f64());
        }
    }
}

fn describe() {
    usher_api::metrics::describe();
    usher_service::metrics::describe();
    describe_gauge!(BUILD, "1, with the version.");
    describe_gauge!(CONNECTIONS, "Connections to the database, by pool and state.");
    describe_gauge!(MOST_CONNECTIONS, "How many connections there can be.");
    describe_gauge!(HASH_JOBS, "Passwords that are hashed, or wait for it.");
    describe_counter!(HASH_REFUSED, "Passwords that were turned away because too many waited.");
    describe_gauge!(MAIL_QUEUE, "Mails that wait to be sent.");
    describe_gauge!(MAIL_AGE, "How long the oldest of them has waited.");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
}
