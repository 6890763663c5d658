use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{PASSWORD, PATIENCE};

/// Between two questions, and how many there are: a minute of them.
const PAUSE: Duration = Duration::from_millis(50);
const ATTEMPTS: u32 = 1200;

/// Speaks just enough HTTP, one connection a request.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

/// Why nothing came back.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// There was no connection.
    Refused(#[expect(dead_code, reason = "for whoever reads of it")] io::Error),
    /// There was one, but this is all that came over it, and why.
    Broken(String),
}

impl Answer {
    /// A whole one; none if it is not.
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let answer = Self { status, head: head.to_owned(), body: body.to_owned() };
        let length = answer.header("content-length").map(str::parse::<usize>);
        length.is_none_or(|length| length == Ok(body.len())).then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// Whether it says that it is only for now, and when to come back.
    pub(crate) fn asks_to_come_back(&self) -> bool {
        self.status == 503 && self.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn new(address: String) -> Self {
        Self { address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    pub(crate) fn get_with(&self, token: &str, path: &str) -> Answer {
        self.send_with(token, "GET", path, None)
    }

    pub(crate) fn post_with(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send_with(token, "POST", path, Some(body))
    }

    pub(crate) fn put_with(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send_with(token, "PUT", path, Some(body))
    }

    pub(crate) fn delete_with(&self, token: &str, path: &str) -> Answer {
        self.send_with(token, "DELETE", path, None)
    }

    /// Asks again until it is so; what a background job does has no other sign.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..ATTEMPTS {
            if is_so() {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("{what}: never");
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(&format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"), &body.to_string())
    }

    pub(crate) fn login(&self, identifier: &str, password: &str) -> Answer {
        self.post("/api/v1/auth/login", &serde_json::json!({"identifier": identifier, "password": password}))
    }

    /// Makes an account with an address of the same name.
    pub(crate) fn sign_up(&self, name: &str) -> Answer {
        let email = format!("{name}@example.org");
        self.post("/api/v1/auth/signup", &serde_json::json!({"username": name, "email": email, "password": PASSWORD}))
    }

    pub(crate) fn ask_reset(&self, email: &str) -> Answer {
        self.post("/api/v1/auth/reset-password", &serde_json::json!({ "email": email }))
    }

    pub(crate) fn reset_password(&self, token: &str, password: &str) -> Answer {
        let body = serde_json::json!({"token": token, "new_password": password});
        self.post("/api/v1/auth/reset-password/confirm", &body)
    }

    pub(crate) fn verify_email(&self, token: &str) -> Answer {
        self.post("/api/v1/auth/verify-email", &serde_json::json!({ "token": token }))
    }

    fn send_with(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let (head, body) = Self::request(token, method, path, body);
        self.send(&head, &body)
    }

    fn request(token: &str, method: &str, path: &str, body: Option<&Value>) -> (String, String) {
        let media_type = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let head = format!("{method} {path} HTTP/1.1\r\n{authorization}{media_type}");
        (head, body.map(Value::to_string).unwrap_or_default())
    }

    pub(crate) fn send(&self, head: &str, body: &str) -> Answer {
        self.try_to_send(head, body).unwrap()
    }

    /// Asks where it may be that nobody answers.
    pub(crate) fn try_to(
        &self,
        method: &str,
        token: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let (head, body) = Self::request(token, method, path, body);
        self.try_to_send(&head, &body)
    }

    fn try_to_send(&self, head: &str, body: &str) -> Result<Answer, NoAnswer> {
        let mut stream = TcpStream::connect(&self.address).map_err(NoAnswer::Refused)?;
        let (address, length) = (&self.address, body.len());
        let mut answer = String::new();
        let mut exchange = || -> io::Result<()> {
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(stream, "{head}Host: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
            stream.read_to_string(&mut answer).map(drop)
        };
        let exchanged = exchange();
        Answer::parse(&answer).ok_or_else(|| NoAnswer::Broken(format!("{answer:?}: {exchanged:?}")))
    }
}
