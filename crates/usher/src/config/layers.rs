//! Where values come from, and which one wins: defaults, file, environment, command line.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use config::{ConfigBuilder, ConfigError, File, FileFormat, Map, Source, Value, ValueKind, builder::DefaultState};

use super::{
    fault::Fault,
    keys::{self, Fallback, Key},
};

/// The file that is read from the working directory if it is there.
pub const DEFAULT_FILE: &str = "usher.toml";
const DOTENV: &str = ".env";
const PREFIX: &str = "USHER__";

/// Everything that the configuration is made from besides its defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Vec<Given>,
    overrides: Vec<Given>,
    faults: Vec<Fault>,
}

/// A value that somebody gave, under the name of a key that may not exist.
#[derive(Clone)]
struct Given {
    name: String,
    value: String,
    origin: String,
    /// The file that it stands in, where there is one.
    file: Option<PathBuf>,
}

/// The value may be a secret.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (from {})", self.name, self.origin)
    }
}

impl Sources {
    /// The origin of a database address that came on the command line, where it must hold no password.
    pub const DATABASE_URL_FLAG: &str = "flag --database-url";

    /// What a process is started with: `usher.toml` and `.env` in the working directory, if they are
    /// there, and the environment, which wins over `.env`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let mut sources = Self::default();
        if Path::new(DEFAULT_FILE).exists() {
            sources.file = Some(DEFAULT_FILE.into());
        }
        if Path::new(DOTENV).exists() {
            match read_dotenv() {
                Ok(variables) => {
                    for (name, value) in variables {
                        sources.add_variable(&name, &value, format!("{name} in .env"), Some(DOTENV.into()));
                    }
                }
                Err(error) => sources.faults.push(dotenv_fault(&error)),
            }
        }
        for (name, value) in std::env::vars_os() {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            sources.add_variable(&name, &value, format!("environment variable {name}"), None);
        }
        sources
    }

    /// Reads this file instead of `usher.toml`.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.add_variable(name, value, format!("environment variable {name}"), None);
        self
    }

    /// Sets a key, over all that file and environment say; `origin` is told where the value is.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>, origin: &str) -> Self {
        self.overrides.push(Given { name: key.to_owned(), value: value.into(), origin: origin.to_owned(), file: None });
        self
    }

    fn add_variable(&mut self, variable: &str, value: &str, origin: String, file: Option<PathBuf>) {
        if let Some(name) = variable.strip_prefix(PREFIX) {
            let name = name.to_ascii_lowercase().replace("__", ".");
            self.environment.retain(|given| given.name != name);
            self.environment.push(Given { name, value: value.to_owned(), origin, file });
        }
    }
}

fn read_dotenv() -> Result<Vec<(String, String)>, dotenvy::Error> {
    dotenvy::from_path_iter(DOTENV)?.collect()
}

/// The line of a `.env` that cannot be parsed may hold a secret: it is not repeated.
fn dotenv_fault(error: &dotenvy::Error) -> Fault {
    let problem = match error {
        dotenvy::Error::Io(error) => format!("cannot be read: {error}"),
        _ => "cannot be parsed".to_owned(),
    };
    Fault {
        key: DOTENV.to_owned(),
        problem,
        origin: "the working directory".to_owned(),
        remedy: "write lines of the form USHER__SECTION__KEY='value', or remove the file".to_owned(),
    }
}

/// The value of a key, and where it came from.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) value: ValueKind,
    pub(super) origin: String,
    /// The file that it was read from, where it may be a secret.
    pub(super) file: Option<PathBuf>,
}

/// The values of all keys that have one, after the layers were laid over each other.
#[derive(Default)]
pub(super) struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    pub(super) fn get(&self, key: &Key) -> Option<&Setting> {
        self.0.get(key.name)
    }

    /// Fills in what follows from other keys, where nobody set it.
    pub(super) fn fill(&mut self, key: &'static Key, value: impl Into<ValueKind>) {
        let setting = Setting { value: value.into(), origin: "default".to_owned(), file: None };
        self.0.entry(key.name).or_insert(setting);
    }

    /// Lays the layers over each other. What is wrong is told, what is right is there in any case.
    pub(super) fn merge(sources: &Sources) -> (Self, Vec<Fault>) {
        let mut faults = sources.faults.clone();
        let mut builder = config::Config::builder().add_source(defaults());
        let mut files = BTreeMap::new();
        if let Some(path) = &sources.file {
            match File::from(path.clone()).format(FileFormat::Toml).collect() {
                Ok(values) => {
                    files.extend(values.values().filter_map(Value::origin).map(|it| (it.to_owned(), path.clone())));
                    builder = builder.add_source(Layer(values));
                }
                Err(error) => faults.push(file_fault(path, &error)),
            }
        }
        for given in sources.environment.iter().chain(&sources.overrides) {
            files.extend(given.file.clone().map(|file| (given.origin.clone(), file)));
            builder = set(builder, given, &mut faults);
        }
        let mut found = BTreeMap::new();
        match builder.build() {
            Ok(merged) => flatten(String::new(), merged.cache, &mut found),
            Err(_) => faults.push(not_merged()),
        }
        let settings = Self::take_known(found, &files, &mut faults);
        (settings, faults)
    }

    /// `files` has the files that values stand in, by the origins that these name.
    fn take_known(found: BTreeMap<String, Value>, files: &BTreeMap<String, PathBuf>, faults: &mut Vec<Fault>) -> Self {
        let mut settings = Self::default();
        let mut named = Vec::new();
        for (name, value) in found {
            let origin = value.origin().unwrap_or("default").to_owned();
            if let Some(key) = Key::find(&name) {
                let file = files.get(&origin).cloned();
                settings.0.insert(key.name, Setting { value: value.kind, origin, file });
            } else if let Some(key) = Key::find_by_file(&name) {
                named.push((key, Setting { value: value.kind, origin, file: None }));
            } else {
                faults.push(unknown(&name, &origin));
            }
        }
        for (key, named) in named {
            match settings.get(key) {
                Some(given) if given.origin != "default" => faults.push(given_twice(key, given, &named)),
                _ => match read_secret(key, &named) {
                    Ok(setting) => {
                        settings.0.insert(key.name, setting);
                    }
                    Err(fault) => {
                        settings.0.remove(key.name);
                        faults.push(fault);
                    }
                },
            }
        }
        settings
    }
}

/// Our own sources, because each value has an origin of its own.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

fn defaults() -> Layer {
    let set = |key: &&'static Key| match key.default {
        Fallback::Is(text) => Some((key.name.to_owned(), Value::new(Some(&"default".to_owned()), text))),
        Fallback::Follows(..) | Fallback::Nothing(..) => None,
    };
    Layer(keys::ALL.iter().filter_map(set).collect())
}

fn set(builder: ConfigBuilder<DefaultState>, given: &Given, faults: &mut Vec<Fault>) -> ConfigBuilder<DefaultState> {
    let Given { name, value, origin, .. } = given;
    if Key::find(name).is_none() && Key::find_by_file(name).is_none() {
        faults.push(unknown(name, origin));
        return builder;
    }
    let value = Value::new(Some(origin), value.as_str());
    builder.add_source(Layer(Map::from_iter([(name.clone(), value)])))
}

fn flatten(path: String, value: Value, found: &mut BTreeMap<String, Value>) {
    match value.kind {
        ValueKind::Table(entries) if !entries.is_empty() || is_section(&path) => {
            for (name, value) in entries {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(path, value, found);
            }
        }
        _ => {
            found.insert(path, value);
        }
    }
}

fn is_section(path: &str) -> bool {
    path.is_empty() || keys::ALL.iter().any(|key| key.split().0 == Some(path))
}

fn read_secret(key: &Key, named: &Setting) -> Result<Setting, Fault> {
    let fault = |problem: String, remedy: &str| Fault {
        key: format!("{}_file", key.name),
        problem,
        origin: named.origin.clone(),
        remedy: remedy.to_owned(),
    };
    let ValueKind::String(path) = &named.value else {
        return Err(fault("is not text".to_owned(), "give the path of a file"));
    };
    let mut text = fs::read_to_string(path).map_err(|error| {
        let why =
            if error.kind() == io::ErrorKind::InvalidData { "it is not text".to_owned() } else { error.to_string() };
        fault(format!("{path:?} cannot be read: {why}"), "name a file that usher may read")
    })?;
    let shorter = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text).len());
    text.truncate(shorter.unwrap_or(text.len()));
    if text.is_empty() {
        return Err(fault(format!("{path:?} is empty"), "write the secret into it, or leave the key out"));
    }
    let origin = format!("file {path} named by {}", named.origin);
    Ok(Setting { value: ValueKind::String(text), origin, file: Some(path.into()) })
}

fn unknown(name: &str, origin: &str) -> Fault {
    let remedy = match Key::nearest(name) {
        Some(known) => format!("did you mean {known}?"),
        None => "remove it; `usher config sample` lists all keys".to_owned(),
    };
    Fault { key: name.to_owned(), problem: "there is no such key".to_owned(), origin: origin.to_owned(), remedy }
}

fn given_twice(key: &Key, given: &Setting, named: &Setting) -> Fault {
    Fault {
        key: key.name.to_owned(),
        problem: "is given twice, as a value and as a file".to_owned(),
        origin: format!("{} and {}", given.origin, named.origin),
        remedy: "remove one of them".to_owned(),
    }
}

/// Never seen: our own sources do not fail. But it must not pass for "nothing is set".
fn not_merged() -> Fault {
    Fault {
        key: "configuration".to_owned(),
        problem: "cannot be put together".to_owned(),
        origin: "all sources".to_owned(),
        remedy: "report this".to_owned(),
    }
}

/// Says where a file does not parse, without the line itself: it may hold a secret.
fn file_fault(path: &Path, error: &ConfigError) -> Fault {
    let (problem, remedy) = match error {
        ConfigError::FileParse { cause, .. } => {
            let text = cause.to_string();
            (format!("is not TOML: {}", position(&text)), "correct that line")
        }
        _ => ("cannot be read".to_owned(), "name a file that usher may read"),
    };
    let key = path.display().to_string();
    Fault { key, problem, origin: "the configuration file".to_owned(), remedy: remedy.to_owned() }
}

/// Of a parser's many lines the first, which says where, and the last, which says what.
fn position(text: &str) -> String {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(first), Some(last)) => format!("{first}, {last}"),
        (Some(only), None) => only.to_owned(),
        (None, _) => "it does not parse".to_owned(),
    }
}
