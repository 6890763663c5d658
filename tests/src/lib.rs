//! A whole usher for a test: the production wiring on a port and a database of its own, and a client.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on stops")]

mod answer;
mod app;
mod log;
mod mails;

pub use answer::Answer;
pub use app::{Client, TestApp};
pub use log::{has_secret, logged_lines};
pub use mails::TestMail;
pub use reqwest::Method;

/// A password that the policy has nothing against.
pub const PASSWORD: &str = "Xk7!vQz-mN4";

/// Stamps each function as one test an engine: `<name>::on_sqlite` and `<name>::on_postgres`. Settings
/// over the usual ones may stand behind the app.
#[macro_export]
macro_rules! on_each_engine {
    ($($(#[$attribute:meta])* async fn $name:ident($app:ident: TestApp $(, $settings:expr)?) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn case($app: TestApp) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let settings = <[Vec<(&str, &str)>]>::concat(&[$($settings.to_vec())?]);
                case(TestApp::on_sqlite_with(&settings).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let settings = <[Vec<(&str, &str)>]>::concat(&[$($settings.to_vec())?]);
                if let Some(app) = TestApp::on_postgres_with(&settings).await {
                    case(app).await;
                }
            }
        }
    )+};
}
