use std::{ops::Deref, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};
use usher_adapters::contract::{MailSecurity, MailServer};

/// A mail server on a thread of its own, so that a test can wait for what it does.
pub(crate) struct Post {
    server: MailServer,
    runtime: Handle,
    /// The thread ends with it.
    _running: oneshot::Sender<()>,
}

impl Post {
    pub(crate) fn start() -> Self {
        Self::start_with(MailSecurity::None)
    }

    pub(crate) fn start_with(security: MailSecurity) -> Self {
        let mut post = Self::new(security);
        post.bring_up();
        post
    }

    /// One that refuses connections.
    pub(crate) fn down() -> Self {
        Self::new(MailSecurity::None)
    }

    fn new(security: MailSecurity) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        thread::spawn(move || runtime.block_on(ended));
        Self { server: MailServer::down(security), runtime: handle, _running: running }
    }

    pub(crate) fn bring_up(&mut self) {
        let _inside = self.runtime.enter();
        self.server.bring_up();
    }

    pub(crate) fn take_down(&mut self) {
        self.runtime.block_on(self.server.take_down());
    }

    /// Whether it was given this command.
    pub(crate) fn has_heard(&self, command: &str) -> bool {
        self.server.heard().iter().any(|heard| heard.starts_with(command))
    }
}

impl Deref for Post {
    type Target = MailServer;

    fn deref(&self) -> &MailServer {
        &self.server
    }
}
