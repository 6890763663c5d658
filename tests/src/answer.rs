use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub json: Value,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, json }
    }

    /// What a success brings.
    #[must_use]
    pub fn data(&self) -> &Value {
        assert_eq!(self.json["success"], true, "{self:?}");
        &self.json["data"]
    }

    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> &str {
        assert_eq!(self.json["success"], false, "{self:?}");
        self.json["error"]["code"].as_str().unwrap()
    }

    /// What exactly was refused.
    #[must_use]
    pub fn details(&self) -> &Vec<Value> {
        self.json["error"]["details"].as_array().unwrap()
    }

    /// A header field; empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, header fields and bytes, but for what names the one request and the time of day.
    #[must_use]
    pub fn without_request_id(&self) -> String {
        let id = self.header("x-request-id");
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"))
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        format!("{}\n{}\n\n{}", self.status, headers.join("\n"), self.text.replace(id, "<request id>"))
    }
}
