use std::io;

use tokio::signal;

/// The wish that the process may end: SIGTERM, where there is such a thing, and Ctrl-C everywhere.
#[derive(Debug)]
pub(crate) struct StopSignal {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
}

impl StopSignal {
    /// Listens from now on, instead of ending at once.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal::unix::signal(signal::unix::SignalKind::terminate())? })
    }

    /// Listens from now on, instead of ending at once.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for it.
    pub(crate) async fn received(mut self) {
        #[cfg(unix)]
        let terminate = self.terminate.recv();
        #[cfg(not(unix))]
        let terminate = std::future::pending::<Option<()>>();
        futures_util::future::select(std::pin::pin!(terminate), std::pin::pin!(signal::ctrl_c())).await;
    }
}
