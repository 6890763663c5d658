use std::{any::Any, future::Future, sync::Arc};

use tokio::runtime;

use crate::UsersStorageBackend;

/// The backend that a case is about.
pub type Backend = Arc<dyn UsersStorageBackend>;

/// A fresh backend, and what must live as long as it does.
///
/// Made from a backend, from a pair of a backend and its guard (a folder, a database that is dropped
/// after the test), or from an `Option` of such a pair, where `None` says that there is nothing to
/// test against on this machine: whoever says so also prints it.
pub struct Fixture(Option<(Backend, Box<dyn Any>)>);

impl<B: UsersStorageBackend> From<B> for Fixture {
    fn from(backend: B) -> Self {
        (backend, ()).into()
    }
}

impl<B: UsersStorageBackend, G: 'static> From<(B, G)> for Fixture {
    fn from((backend, guard): (B, G)) -> Self {
        Self(Some((Arc::new(backend), Box::new(guard))))
    }
}

impl<B: UsersStorageBackend, G: 'static> From<Option<(B, G)>> for Fixture {
    fn from(pair: Option<(B, G)>) -> Self {
        pair.map_or(Self(None), Self::from)
    }
}

/// Runs a case on a backend, on a runtime of several threads: cases that race must really do so.
///
/// # Panics
/// If the case fails.
pub fn run<C: Future<Output = ()>>(fixture: impl Future<Output = Fixture>, case: impl FnOnce(Backend) -> C) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Fixture(Some((backend, _guard))) = fixture.await {
            case(backend).await;
        }
    });
}
