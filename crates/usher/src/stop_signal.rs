//! The wish that the process may end: SIGTERM, where there is such a thing, and Ctrl-C everywhere.

use std::io;

use tokio::signal;

/// Listens for it.
#[derive(Debug)]
pub(crate) struct StopSignal {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignal {
    /// From now on the process does not end by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for it, or for the next one.
    pub(crate) async fn received(&mut self) {
        use std::pin::pin;
        futures_util::future::select(pin!(self.terminate.recv()), pin!(self.interrupt.recv())).await;
    }
}

#[cfg(not(unix))]
impl StopSignal {
    /// From now on the process does not end by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for it, or for the next one.
    pub(crate) async fn received(&mut self) {
        if let Err(error) = signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C cannot be listened for");
            std::future::pending::<()>().await;
        }
    }
}
