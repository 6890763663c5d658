//! What is counted of requests, through the facade of the crate `metrics`. Paths are those of the route table: no
//! label is of a client's choice.

use std::{sync::Arc, time::Duration};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Requests that were answered, by `method`, `route` and `status`.
pub const REQUESTS: &str = "usher_http_requests_total";
/// How long they took, by `method` and `route`.
pub const LATENCY: &str = "usher_http_request_duration_seconds";
/// Requests that are being answered.
pub const IN_FLIGHT: &str = "usher_http_requests_in_flight";

/// Tells the recorder what each of them is.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests by method, route and status.");
    describe_histogram!(LATENCY, Unit::Seconds, "From the head of a request to its answer.");
    describe_gauge!(IN_FLIGHT, "Requests that are being answered.");
}

/// A request that is being answered, for as long as this is there.
pub(crate) struct InFlight;

impl InFlight {
    pub(crate) fn new() -> Self {
        gauge!(IN_FLIGHT).increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1);
    }
}

pub(crate) fn answered(method: &'static str, route: Arc<str>, status: u16, latency: Duration) {
    histogram!(LATENCY, "method" => method, "route" => Arc::clone(&route)).record(latency);
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status.to_string()).increment(1);
}
