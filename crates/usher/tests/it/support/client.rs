use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use serde_json::Value;

use super::PASSWORD;

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
    pub(crate) body: String,
}

impl Answer {
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
        let media_type = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let head = format!("{method} {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{media_type}");
        self.send(&head, &body.map(Value::to_string).unwrap_or_default())
    }

    pub(crate) fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (address, length) = (&self.address, body.len());
        write!(stream, "{head}Host: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, body: body.to_owned() }
    }
}
