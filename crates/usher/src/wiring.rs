//! Where everything meets: from a [`Config`] to a running server.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpServer, dev::Server, http::KeepAlive};
use futures_util::future::{Either, join, select};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpSocket,
    time::{sleep, timeout},
};
use usher_adapters::{Redis, RedisBlocklist, RedisRateLimiter, RedisSettings};
use usher_api::{ApiSettings, ApiState};
use usher_service::{
    ActivityManager, AuthManager, Environment, MailboxManager, MemoryBlocklist, MemoryRateLimiter, PasswordHasher,
    Purger, RateLimiter, RegistrationManager, Revocations, RolesManager, SessionsManager, Sweeper, Throttle,
    TokenBlocklist, TokenIssuer, UsersManager,
};
use usher_storage::{RoleQueries, SeaOrmBackend};

use crate::{
    background::{Background, Jobs},
    config::{Config, Http},
    database,
    first_start::{self, FirstPassword},
    hang_up::hang_up,
    mail,
    master_key::FoundKey,
    metrics,
    readiness::Readiness,
    serve_lock::ServeLock,
    start_error::StartError,
    stop_signal::StopSignal,
    telemetry,
};

/// Connections that the system holds until they are accepted. As many as actix-web asks for itself.
const BACKLOG: u32 = 1024;

/// How long a server that stops may go on telling other services of revoked tokens, and say goodbye to its database.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A server that is ready to run: everything that can go wrong has been tried.
pub struct Application {
    server: Server,
    /// The one that the server listens with, once more.
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    started: Started,
    backend: Arc<SeaOrmBackend>,
    readiness: Arc<Readiness>,
    jobs: Jobs,
    /// Where `/metrics` is served, and what does it.
    metrics: Option<(SocketAddr, Server)>,
    lock: Option<ServeLock>,
}

/// What a start has made.
#[derive(Debug, Clone)]
pub struct Started {
    /// How the first administrator signs in, if he was made now.
    pub first_password: Option<FirstPassword>,
    /// The file of the master key, if it was made now.
    pub made_master_key: Option<PathBuf>,
}

impl Application {
    /// Puts everything together: lock, address, database and schema, keys, managers, the first
    /// administrator, server. Nothing is served yet, but from here on the system takes connections.
    ///
    /// # Errors
    /// [`StartError`], which says what to do.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        let lock = config.database.url.file().map(ServeLock::take).transpose()?;
        let listener = listen(config.http.bind, "http.bind")?;
        let address = local_address(&listener, &config)?;
        let config = config.with_actual_address(address);
        let environment = Environment::system();

        let backend = Arc::new(database::open(&config).await?);
        require_default_roles(&config, &backend).await?;
        let FoundKey { key, made } = FoundKey::find(&config, &backend).await?;
        let tokens = TokenIssuer::open(backend.clone(), &key, config.tokens.clone(), environment.clone());
        let tokens = Arc::new(tokens.await.map_err(|error| StartError::of_tokens(&config, error))?);
        let hasher = Arc::new(PasswordHasher::new(&config.passwords, &environment)?);
        let (blocklist, limiter) = shared(&config, &environment)?;
        let revocations = Revocations::new(blocklist, config.revocations, &environment);
        let throttle = Throttle::new(limiter, config.limits, &key);
        let outbox = mail::outbox(&config, &key);
        let users = UsersManager::new(
            backend.clone(),
            hasher.clone(),
            revocations.clone(),
            throttle.clone(),
            config.users.clone(),
            environment.clone(),
        )
        .with_outbox(outbox.clone());
        let roles =
            RolesManager::new(backend.clone(), revocations.clone(), &config.users.default_roles, environment.clone());
        let sessions = SessionsManager::new(backend.clone(), revocations.clone(), environment.clone());
        let auth = AuthManager::new(
            backend.clone(),
            hasher.clone(),
            tokens.clone(),
            revocations.clone(),
            throttle.clone(),
            config.auth.clone(),
            environment.clone(),
        )
        .with_outbox(outbox.clone());
        let mailbox = MailboxManager::new(
            backend.clone(),
            users.clone(),
            revocations.clone(),
            throttle.clone(),
            environment.clone(),
        );
        let registration = RegistrationManager::new(
            backend.clone(),
            users.clone(),
            auth.clone(),
            throttle,
            config.registration,
            environment.clone(),
        );
        let first_password = first_start::ensure_administrator(&config, &users).await?;

        let sources = metrics::Sources { backend: backend.clone(), hasher, environment: environment.clone() };
        let (recorder, metrics) = match config.telemetry.metrics_bind {
            Some(bind) => {
                let recorder = metrics::recorder()?;
                (Some(recorder.clone()), Some(serve_metrics(bind, recorder, sources)?))
            }
            None => (None, None),
        };
        let jobs = Jobs {
            purger: Purger::new(users.clone(), config.retention),
            sweeper: Sweeper::new(backend.clone(), config.activity_retention, environment.clone()),
            dispatcher: mail::dispatcher(&config, &backend, &outbox, &environment)?,
            tokens: tokens.clone(),
            revocations,
            recorder,
        };
        let readiness = Arc::new(Readiness::new(backend.clone(), config.database.acquire_timeout));
        let state = ApiState {
            auth,
            registration,
            mailbox,
            users,
            sessions,
            roles,
            activity: ActivityManager::new(backend.clone()),
            tokens,
            readiness: readiness.clone(),
            environment,
            settings: api_settings(&config.http),
        };
        let same_listener = listener.try_clone().map_err(StartError::Server)?;
        let server = server(same_listener, Arc::new(state), &config.http).map_err(StartError::Server)?;
        let started = Started { first_password, made_master_key: made };
        Ok(Self { server, listener, address, config, started, backend, readiness, jobs, metrics, lock })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where `/metrics` is served.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// What it runs with: the configuration that it was built from, with the actual port.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What this start has made.
    #[must_use]
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// Serves until the process is asked to end (SIGTERM, Ctrl-C).
    ///
    /// # Errors
    /// [`StartError::Server`] where the server breaks down or signals cannot be listened for.
    pub async fn run_until_stopped(self) -> Result<(), StartError> {
        self.run_until(StopSignal::listen().map_err(StartError::Server)?).await
    }

    /// Serves until somebody has asked it to stop. Then `/health/ready` says no at once; after `http.drain_delay` no
    /// further connection is taken, and requests in flight have `http.drain_timeout` to finish. Asked a second time
    /// it stops where it stands.
    ///
    /// # Errors
    /// [`StartError::Server`] where the server breaks down; [`StartError::Forced`] where it was asked twice.
    pub(crate) async fn run_until(self, mut stop: StopSignal) -> Result<(), StartError> {
        let Self { server, listener, address, config, backend, readiness, jobs, metrics, lock, .. } = self;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, "serving");
        let revocations = jobs.revocations.clone();
        let background = Background::start(jobs);
        let metrics = metrics.map(|(_, server)| (server.handle(), tokio::spawn(server)));
        let handle = server.handle();
        let mut server = pin!(server);
        if let Either::Left((broken_down, _)) = select(server.as_mut(), pin!(stop.received())).await {
            return broken_down.map_err(StartError::Server);
        }
        tracing::info!("asked to stop");
        readiness.drain();
        let ended = async {
            sleep(config.http.drain_delay).await;
            let (_, result) = join(hang_up(&handle, listener), server).await;
            background.stop().await;
            if let Some((metrics, _)) = metrics {
                metrics.stop(false).await;
            }
            // What other services could not be told yet, they will not be told later.
            let _ = timeout(LAST_WORDS, revocations.catch_up()).await;
            // A database that hangs is not waited for: what it was asked it does, or rolls back, without us.
            let _ = timeout(LAST_WORDS, backend.close()).await;
            drop(lock);
            result.map_err(StartError::Server)
        };
        match select(pin!(ended), pin!(stop.received())).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(StartError::Forced),
        }
    }
}

/// Refuses to let people sign up for roles that do not exist.
async fn require_default_roles(config: &Config, backend: &SeaOrmBackend) -> Result<(), StartError> {
    for name in &config.users.default_roles {
        let role = backend.role_by_name(name).await.map_err(|error| database::failed(config, error))?;
        role.ok_or_else(|| StartError::UnknownDefaultRole(name.clone()))?;
    }
    Ok(())
}

fn listen(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    let listen = || -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if cfg!(unix) {
            // A restart need not wait for connections of the last run to be forgotten.
            socket.set_reuseaddr(true)?;
        }
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    listen().map_err(|source| StartError::Listen { address, key, source })
}

/// What serves `/metrics`, and where.
fn serve_metrics(
    address: SocketAddr,
    recorder: PrometheusHandle,
    sources: metrics::Sources,
) -> Result<(SocketAddr, Server), StartError> {
    let key = "telemetry.metrics_bind";
    let failed = |source| StartError::Listen { address, key, source };
    let listener = listen(address, key)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((bound, metrics::server(listener, recorder, sources).map_err(failed)?))
}

fn local_address(listener: &TcpListener, config: &Config) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen { address: config.http.bind, key: "http.bind", source })
}

/// Where other services are told of revoked tokens, and what counts tries.
type Shared = (Arc<dyn TokenBlocklist>, Arc<dyn RateLimiter>);

/// What is shared by all processes if there is a Redis, and otherwise stays in this one.
fn shared(config: &Config, environment: &Environment) -> Result<Shared, StartError> {
    let Some(config) = &config.redis else {
        return Ok((Arc::new(MemoryBlocklist::new(environment)), Arc::new(MemoryRateLimiter::new(environment))));
    };
    let settings = RedisSettings {
        url: config.url.expose().to_owned(),
        key_prefix: config.key_prefix.clone(),
        timeout: config.timeout,
    };
    let redis = Redis::open(settings, environment)?;
    let limiter = RedisRateLimiter::new(redis.clone(), environment);
    Ok((Arc::new(RedisBlocklist::new(redis, environment)), Arc::new(limiter)))
}

/// What the HTTP surface is told.
pub(crate) fn api_settings(http: &Http) -> ApiSettings {
    let defaults = ApiSettings::default();
    ApiSettings {
        base_path: http.base_path.clone(),
        public_url: http.public_url.to_string(),
        body_limit: http.body_limit,
        auth_body_limit: defaults.auth_body_limit.min(http.body_limit),
        head_limit: defaults.head_limit,
        body_timeout: http.body_timeout,
        request_timeout: http.request_timeout,
        cors_origins: http.cors_origins.clone(),
        trusted_proxies: http.trusted_proxies.clone(),
        join_trace: Some(telemetry::traces::join),
        docs: http.docs,
    }
}

fn server(listener: TcpListener, state: Arc<ApiState>, http: &Http) -> io::Result<Server> {
    let keep_alive = if http.keep_alive.is_zero() { KeepAlive::Disabled } else { KeepAlive::Timeout(http.keep_alive) };
    let server = HttpServer::new(move || usher_api::app(state.clone()))
        .workers(http.workers)
        .max_connections(http.max_connections.div_ceil(http.workers))
        .keep_alive(keep_alive)
        .client_request_timeout(http.header_timeout)
        .h1_allow_half_closed(false)
        .shutdown_timeout(whole_seconds(http.drain_timeout))
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// Rounded up: a drain of 100 ms still is one.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
