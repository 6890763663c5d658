use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Answer, NoAnswer, PATIENCE, Watch};

/// Between two looks at what was answered.
const PAUSE: Duration = Duration::from_millis(20);

/// One request after the other, for as long as it is asked.
pub(crate) type Step<'t> = Box<dyn FnMut() -> Result<Answer, NoAnswer> + Send + 't>;

/// Several clients who ask in a loop, and what they are answered.
pub(crate) struct Load {
    watch: Watch,
    asked: Mutex<Vec<Asked>>,
    stop: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Asked {
    #[expect(dead_code, reason = "for whoever reads of it")]
    what: &'static str,
    pub(crate) answered: Duration,
    pub(crate) took: Duration,
    pub(crate) answer: Result<Answer, NoAnswer>,
}

impl Asked {
    pub(crate) fn is_good(&self) -> bool {
        self.answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status))
    }

    /// Whether the client knows that it may come back, and when.
    pub(crate) fn asks_to_come_back(&self) -> bool {
        self.answer.as_ref().is_ok_and(Answer::asks_to_come_back)
    }
}

/// Ends the load also where what is done meanwhile panics.
struct StopAtEnd<'t>(&'t AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Load {
    /// Lets each of these be asked in a loop, while something is done. Answers all that was asked.
    pub(crate) fn during(steps: Vec<(&'static str, Step<'_>)>, work: impl FnOnce(&Self)) -> Vec<Asked> {
        let load = Self { watch: Watch::start(), asked: Mutex::default(), stop: AtomicBool::new(false) };
        thread::scope(|scope| {
            let _stop_at_end = StopAtEnd(&load.stop);
            for (what, step) in steps {
                let load = &load;
                scope.spawn(move || load.ask(what, step));
            }
            work(&load);
        });
        load.asked.into_inner().unwrap()
    }

    fn ask(&self, what: &'static str, mut step: Step<'_>) {
        while !self.stop.load(Ordering::SeqCst) {
            let began = self.now();
            let answer = step();
            let answered = self.now();
            let asked = Asked { what, answered, took: answered - began, answer };
            let is_good = asked.is_good();
            self.asked.lock().unwrap().push(asked);
            if !is_good {
                // Clients come back later; these ones soon.
                thread::sleep(PAUSE);
            }
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.watch.elapsed()
    }

    /// Waits until for so long everything is answered well.
    pub(crate) fn until_good_for(&self, long: Duration) {
        let begin = self.now();
        loop {
            let now = self.now();
            let asked = self.asked.lock().unwrap();
            let last_fault = asked.iter().filter(|one| !one.is_good()).max_by_key(|one| one.answered);
            if now - last_fault.map_or(begin, |fault| fault.answered.max(begin)) >= long {
                return;
            }
            assert!(now - begin < PATIENCE, "never good again: {last_fault:?}");
            drop(asked);
            thread::sleep(PAUSE);
        }
    }

    /// Waits until that has gone by.
    pub(crate) fn go_on_for(&self, long: Duration) {
        let begin = self.now();
        while self.now() - begin < long {
            thread::sleep(PAUSE);
        }
    }
}
