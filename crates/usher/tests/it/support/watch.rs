use std::time::{Duration, Instant};

/// The real clock: how long something takes is the question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "what is measured is a process, which has the real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Figures, for whoever runs this with `--nocapture`.
#[expect(clippy::print_stdout, reason = "measured on the way")]
pub(crate) fn tell(figures: &str) {
    println!("{figures}");
}

/// How much of something there is to be: what this environment variable says, for who has more time.
#[expect(clippy::disallowed_methods, reason = "how long tests take is no configuration of usher")]
pub(crate) fn number(variable: &str, otherwise: u32) -> u32 {
    std::env::var(variable).map_or(otherwise, |number| number.parse().unwrap())
}
