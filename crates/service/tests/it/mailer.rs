//! The mailer in memory.

use std::sync::Arc;

use usher_service::{
    MemoryMailer,
    mail::contract::{Received, suite},
};

suite!(memory, async {
    let mailer = Arc::new(MemoryMailer::new());
    let arrived = Arc::clone(&mailer);
    (mailer, move || arrived.mails().into_iter().map(Received::from).collect::<Vec<_>>())
});
