#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use usher_domain::Clock;

use super::{
    Decision, LimitKey, RateLimiter, Refusal, Try,
    rule::{self, Refused, Tries},
};
use crate::Environment;

/// How many keys are remembered in one generation, of which there are two.
const CAPACITY: usize = 50_000;

/// A limiter in this process; what it knows ends with that.
///
/// It remembers a bounded number of keys. When there are more, those that were not seen for longest go,
/// half of them at once: somebody who wants a key forgotten needs tens of thousands of others for it.
pub struct MemoryRateLimiter {
    clock: Arc<dyn Clock>,
    known: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<LimitKey, Tries>,
    old: HashMap<LimitKey, Tries>,
}

impl MemoryRateLimiter {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self { clock: Arc::clone(&environment.clock), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Generations> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn reserve(&self, tries: &[Try]) -> Decision {
        let now = self.clock.monotonic();
        let mut known = self.known();
        let (mut counted, mut refused) = (Vec::with_capacity(tries.len()), Vec::new());
        for Try { key, limit } in tries.iter().filter(|one| !one.limit.is_off()) {
            match rule::count(known.get(key), limit, now) {
                Ok(after) => counted.push((*key, after)),
                Err(Refused { wait, known }) => refused.push((Refusal { key: *key, wait }, known)),
            }
        }
        if refused.is_empty() {
            counted.into_iter().for_each(|(key, after)| known.set(key, after));
            return Decision::Allowed;
        }
        // Written again, they are young: nobody gets out of a wait through so many other keys that this one
        // is forgotten, as long as he goes on trying.
        refused.iter().for_each(|(refusal, tries)| known.set(refusal.key, *tries));
        Decision::Refused(refused.into_iter().map(|(refusal, _)| refusal).collect())
    }

    async fn forgive(&self, key: &LimitKey) {
        self.known().remove(key);
    }

    async fn take_back(&self, Try { key, limit }: &Try) {
        let mut known = self.known();
        if let Some(before) = known.get(key) {
            known.set(*key, rule::take_back(before, limit));
        }
    }
}

impl Generations {
    fn get(&self, key: &LimitKey) -> Option<Tries> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn set(&mut self, key: LimitKey, tries: Tries) {
        if self.young.len() >= CAPACITY && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, tries);
    }

    fn remove(&mut self, key: &LimitKey) {
        self.young.remove(key);
        self.old.remove(key);
    }
}
