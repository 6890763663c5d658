use std::time::Duration;

use config::ValueKind;

use super::{
    fault::Fault,
    forms::{self, Complaint},
    keys::{Fallback, Key, Kind},
    layers::{Setting, Settings},
};

/// Takes values out of the settings and notes what is wrong with them. A faulty value is replaced by
/// the default, so that reading goes on and finds the next fault.
pub(super) struct Reader {
    settings: Settings,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(settings: Settings, faults: Vec<Fault>) -> Self {
        Self { settings, faults }
    }

    pub(super) fn finish(self) -> (Settings, Vec<Fault>) {
        (self.settings, self.faults)
    }

    pub(super) fn setting(&self, key: &Key) -> Option<&Setting> {
        self.settings.get(key)
    }

    pub(super) fn fill(&mut self, key: &'static Key, value: impl Into<ValueKind>) {
        self.settings.fill(key, value);
    }

    /// Reads a value that there may be none of.
    pub(super) fn optional<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, Complaint>) -> Option<T> {
        let value = self.settings.get(key)?.value.clone();
        let parsed = match forms::text(&value) {
            Some(text) => parse(&text),
            None => Err(Complaint::new("is not text", "put it in quotes")),
        };
        parsed.map_err(|complaint| self.complain(key, complaint)).ok()
    }

    /// Reads a text and makes something of it.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static Key,
        replacement: T,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> T {
        self.optional(key, parse).unwrap_or(replacement)
    }

    /// Reads one of the words of a [`Kind::Choice`]; each has the meaning in the same place.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static Key, fallback: T, meanings: &[T]) -> T {
        let words = match key.kind {
            Kind::Choice(words) => words,
            _ => &[],
        };
        self.parsed(key, fallback, |text| {
            let meaning = words.iter().zip(meanings).find(|(word, _)| **word == text);
            meaning.map(|(_, meaning)| *meaning).ok_or_else(|| {
                Complaint::new(format!("{text:?} is not one of its words"), format!("write {}", words.join(", ")))
            })
        })
    }

    pub(super) fn boolean(&mut self, key: &'static Key) -> bool {
        self.value(key, |value| match forms::boolean(value) {
            Some(answer) => Ok(answer),
            None => Err(Complaint::new(format!("{} is not true or false", forms::show(value)), "write true or false")),
        })
    }

    pub(super) fn integer<T: TryFrom<i64> + Default>(&mut self, key: &'static Key) -> T {
        let Kind::Integer(min, max) = key.kind else { return T::default() };
        self.value(key, |value| {
            let number = forms::integer(value).filter(|number| (min..=max).contains(number));
            number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
                let problem = format!("{} is not a number from {min} to {max}", forms::show(value));
                Complaint::new(problem, "write one within these bounds")
            })
        })
    }

    /// Reads a number that there may be none of.
    pub(super) fn optional_integer<T: TryFrom<i64> + Default>(&mut self, key: &'static Key) -> Option<T> {
        self.settings.get(key).is_some().then(|| self.integer(key))
    }

    pub(super) fn duration(&mut self, key: &'static Key) -> Duration {
        let Kind::Duration(min, max) = key.kind else { return Duration::default() };
        let (min, max) = (Duration::from_millis(min), Duration::from_millis(max));
        self.value(key, |value| {
            forms::duration(value).filter(|duration| (min..=max).contains(duration)).ok_or_else(|| {
                let (min, max) = (forms::show_duration(min), forms::show_duration(max));
                let problem = format!("{} is not a span of time from {min} to {max}", forms::show(value));
                Complaint::new(problem, "write seconds, or a number with ms, s, m, h or d, such as 15s")
            })
        })
    }

    pub(super) fn size<T: TryFrom<u64> + Default>(&mut self, key: &'static Key) -> T {
        let Kind::Size(min, max) = key.kind else { return T::default() };
        self.value(key, |value| {
            let size = forms::size(value).filter(|size| (min..=max).contains(size));
            size.and_then(|size| T::try_from(size).ok()).ok_or_else(|| {
                let (min, max) = (forms::show_size(min), forms::show_size(max));
                let problem = format!("{} is not a size from {min} to {max}", forms::show(value));
                Complaint::new(problem, "write bytes, or a number with B, KiB or MiB, such as 64KiB")
            })
        })
    }

    /// Reads a list; each item that does not parse is a fault of its own.
    pub(super) fn list<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, Complaint>) -> Vec<T> {
        let texts: Vec<String> = self.value(key, |value| {
            forms::list(value).ok_or_else(|| {
                Complaint::new(format!("{} is not a list of texts", forms::show(value)), "write [\"one\", \"two\"]")
            })
        });
        let mut items = Vec::with_capacity(texts.len());
        for text in &texts {
            match parse(text) {
                Ok(item) => items.push(item),
                Err(complaint) => self.complain(key, complaint),
            }
        }
        items
    }

    fn value<T: Default>(&mut self, key: &'static Key, parse: impl Fn(&ValueKind) -> Result<T, Complaint>) -> T {
        let Some(value) = self.settings.get(key).map(|setting| setting.value.clone()) else { return T::default() };
        match parse(&value) {
            Ok(parsed) => parsed,
            Err(complaint) => {
                self.complain(key, complaint);
                match key.default {
                    Fallback::Is(text) => parse(&ValueKind::from(text)).unwrap_or_default(),
                    Fallback::Follows(..) | Fallback::Nothing(..) => T::default(),
                }
            }
        }
    }

    /// Notes a fault, unless one of the keys, or the file that it was to be read from, has one already: the same
    /// mistake is told once.
    pub(super) fn require(&mut self, keys: &[&'static Key], holds: bool, complaint: impl FnOnce() -> Complaint) {
        let Some(key) = keys.first().filter(|_| !holds) else { return };
        let is_of = |fault: &Fault, key: &Key| fault.key.strip_suffix("_file").unwrap_or(&fault.key) == key.name;
        if !keys.iter().any(|key| self.faults.iter().any(|fault| is_of(fault, key))) {
            self.complain(key, complaint());
        }
    }

    /// Notes a fault.
    pub(super) fn complain(&mut self, key: &'static Key, complaint: Complaint) {
        let origin = self.settings.get(key).map_or_else(|| "default".to_owned(), |setting| setting.origin.clone());
        let Complaint { problem, remedy } = complaint;
        self.faults.push(Fault { key: key.name.to_owned(), problem, origin, remedy });
    }
}
