use mail_parser::{Address, MessageParser};
use usher_service::mail::contract::Received;

/// What a message says, delivered to these addresses.
///
/// # Panics
/// If it is none, or not of the two parts that ours have.
#[must_use]
pub fn received(to: Vec<String>, message: &[u8]) -> Received {
    let parsed = MessageParser::default().parse(message).unwrap();
    assert_eq!((parsed.text_body.len(), parsed.html_body.len()), (1, 1), "{}", String::from_utf8_lossy(message));
    let lines = |text: &str| text.replace("\r\n", "\n");
    Received {
        from: parsed.from().and_then(Address::first).and_then(|from| from.address()).map(str::to_owned),
        to,
        subject: parsed.subject().unwrap_or_default().to_owned(),
        text: lines(&parsed.body_text(0).unwrap()),
        html: lines(&parsed.body_html(0).unwrap()),
        headers: parsed.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
    }
}
