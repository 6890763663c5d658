//! The suite that every form of [`Mailer`] passes, also one of your own.
//!
//! [`suite!`] stamps every case as a test of its own:
//!
//! ```
//! mod tests {
//!     use std::sync::Arc;
//!
//!     use usher_service::{MemoryMailer, mail::contract::Received};
//!
//!     usher_service::mail::contract::suite!(memory, async {
//!         let mailer = Arc::new(MemoryMailer::new());
//!         let arrived = Arc::clone(&mailer);
//!         (mailer, move || arrived.mails().into_iter().map(Received::from).collect::<Vec<_>>())
//!     });
//! }
//! ```
//!
//! The second argument is evaluated for each test and yields a mailer that has sent nothing, and a way to
//! look at what arrived. See [`Fixture`] for what else it can be. What becomes of a mail while the other
//! end is away is not among the cases: that is up to the form.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests, although they are no test build")]

use std::{any::Any, collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use tokio::{runtime, task::JoinSet};
use usher_domain::{EmailAddress, MailId, MailKind, Timestamp};
use uuid::Uuid;

use super::{Mail, Mailer};

#[doc(inline)]
pub use crate::__mail_suite as suite;

/// A mail as it arrived, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The address that it is from, where the form writes one.
    pub from: Option<String>,
    /// The addresses that it was delivered to.
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// What it says, as plain text. Its lines end with LF.
    pub text: String,
    /// The same as HTML. Its lines end with LF.
    pub html: String,
    /// The fields of its header in their order, where the form writes any: the name, and the value as it
    /// stands there.
    pub headers: Vec<(String, String)>,
}

impl Received {
    /// The value of a field of the header. It is there once, or it is none.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().filter(|_| found.next().is_none()).map(|(_, value)| value.as_str())
    }
}

impl From<Mail> for Received {
    /// As a form in memory keeps it: without a header.
    fn from(mail: Mail) -> Self {
        let Mail { to, subject, text, html, .. } = mail;
        Self { to: vec![to.to_string()], subject, text, html, ..Self::default() }
    }
}

/// The form that a case is about.
pub type Sender = Arc<dyn Mailer>;

/// What arrived so far, in the order in which it did.
pub type Arrived = Box<dyn Fn() -> Vec<Received>>;

/// A mailer that has sent nothing, a way to look at what arrived, and what must live as long as they do.
///
/// Made from a mailer and a way to look, from these two and a guard (such as what cleans up after the
/// test), or from an `Option` of such three, where `None` says that there is nothing to test against on
/// this machine: whoever says so also prints it.
pub struct Fixture(Option<(Sender, Arrived, Box<dyn Any>)>);

impl<M: Mailer, A: Fn() -> Vec<Received> + 'static> From<(Arc<M>, A)> for Fixture {
    fn from((mailer, arrived): (Arc<M>, A)) -> Self {
        (mailer, arrived, ()).into()
    }
}

impl<M: Mailer, A: Fn() -> Vec<Received> + 'static, G: 'static> From<(Arc<M>, A, G)> for Fixture {
    fn from((mailer, arrived, guard): (Arc<M>, A, G)) -> Self {
        Self(Some((mailer, Box::new(arrived), Box::new(guard))))
    }
}

impl<M: Mailer, A: Fn() -> Vec<Received> + 'static, G: 'static> From<Option<(Arc<M>, A, G)>> for Fixture {
    fn from(all: Option<(Arc<M>, A, G)>) -> Self {
        all.map_or(Self(None), Self::from)
    }
}

/// Runs a case on a mailer, on a runtime of several threads: cases that race must really do so.
///
/// # Panics
/// If the case fails.
pub fn run<C: Future<Output = ()>>(fixture: impl Future<Output = Fixture>, case: impl FnOnce(Sender, Arrived) -> C) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Fixture(Some((mailer, arrived, _guard))) = fixture.await {
            case(mailer, arrived).await;
        }
    });
}

/// Stamps the whole suite for one form, in a module of the given name.
#[doc(hidden)]
#[macro_export]
macro_rules! __mail_suite {
    ($name:ident, $fresh:expr) => {
        async fn $name() -> $crate::mail::contract::Fixture {
            ::std::convert::Into::into($fresh.await)
        }

        mod $name {
            use super::$name as fresh;

            $crate::__mail_cases!();
        }
    };
}

/// Defines the cases, and the macro that [`suite!`] stamps them with: each name is written once.
macro_rules! cases {
    ($($(#[$doc:meta])+ pub async fn $case:ident($mailer:ident: Sender, $arrived:ident: Arrived) $body:block)+) => {
        $($(#[$doc])+ pub async fn $case($mailer: Sender, $arrived: Arrived) $body)+

        #[doc(hidden)]
        #[macro_export]
        macro_rules! __mail_cases {
            () => {
                $(
                    #[test]
                    fn $case() {
                        $crate::mail::contract::run(fresh(), $crate::mail::contract::$case);
                    }
                )+
            };
        }
    };
}

/// How many are sent at once.
const RACERS: u16 = 32;

/// Longer than any line that a mail may have on its way (998 bytes: RFC 5322, 2.1.1).
const LONG: usize = 5_000;

cases! {
    /// What was written is what arrives, and nothing else does.
    pub async fn a_mail_arrives_as_it_was_written(mailer: Sender, arrived: Arrived) {
        assert_eq!(arrived(), []);
        let mail = mail(1);
        mailer.send(&mail).await.unwrap();
        let received = only(&arrived);
        assert_eq!(received.subject, mail.subject);
        assert_eq!(received.text, mail.text);
        assert_eq!(received.html, mail.html);
    }

    /// It goes to its recipient alone.
    ///
    /// Proves: RS-07
    pub async fn a_mail_has_one_recipient(mailer: Sender, arrived: Arrived) {
        for to in ["alice@example.org", "o'neil+a=b/c!#$&*?^_`{|}~@xn--bcher-kva.example", &longest()] {
            mailer.send(&Mail { to: address(to), ..mail(1) }).await.unwrap();
            assert_eq!(arrived().pop().expect("it has arrived").to, [to]);
        }
    }

    /// Letters of all kinds arrive, wherever they stand.
    pub async fn letters_beyond_ascii_arrive(mailer: Sender, arrived: Arrived) {
        for words in ["Grüße, Ihr Konto", "パスワードを再設定する", "🦀 и 🦆", "e\u{301} \u{feff}x \u{200f}y"] {
            let everywhere = mail_that_says(words, &format!("{words}\n"), &format!("<p>{words}</p>\n"));
            mailer.send(&everywhere).await.unwrap();
            assert_arrived_as(&everywhere, &arrived);
            let long = mail_that_says(words, &format!("{words}\n").repeat(200), &words.repeat(LONG / words.len()));
            mailer.send(&long).await.unwrap();
            assert_arrived_as(&long, &arrived);
        }
    }

    /// No line is too long.
    pub async fn long_lines_arrive(mailer: Sender, arrived: Arrived) {
        for text in ["a".repeat(LONG), "word ".repeat(LONG / 5) + ".", format!("a\n{}\nb", "=".repeat(LONG))] {
            let long = mail_that_says("Long", &text, &text);
            mailer.send(&long).await.unwrap();
            assert_arrived_as(&long, &arrived);
        }
        let long = mail_that_says("many words ".repeat(50).trim_end(), "short", "short");
        mailer.send(&long).await.unwrap();
        assert_arrived_as(&long, &arrived);
    }

    /// What means something on the way means nothing in a mail: lines of dots, equals signs, boundaries,
    /// spaces at the ends of lines, empty lines.
    pub async fn what_means_something_on_the_way_arrives(mailer: Sender, arrived: Arrived) {
        for text in [
            ".",
            ".\n..\n...\n.a\n\n.\nQUIT\n",
            "first\n.\nMAIL FROM:<mallory@example.org>\n",
            "=\n==\n=3D=0A\na=b&c==\n",
            "--\n--=_\n----boundary--\n",
            "From here\n>From there\n",
            " leading\ntrailing \ntabs\t\n",
            "\n\nempty lines\n\n\n",
            "",
        ] {
            let tricky = mail_that_says("Tricky", text, text);
            mailer.send(&tricky).await.unwrap();
            assert_arrived_as(&tricky, &arrived);
        }
    }

    /// A link stays whole, however its line is broken on the way.
    pub async fn links_stay_whole(mailer: Sender, arrived: Arrived) {
        let token: String = (b'A'..=b'z').filter(u8::is_ascii_alphabetic).map(char::from).chain("0123456789-_".chars()).collect();
        assert_eq!(token.len(), 64);
        let link = format!("https://accounts.example.org/pages/reset-password#token={token}");
        for before in ["", "Öffnen Sie: ", "Please follow this link, which is good for half an hour: "] {
            let text = format!("{before}{link}\n");
            let linked = mail_that_says("Link", &text, &format!("<a href=\"{link}\">{before}</a>\n"));
            mailer.send(&linked).await.unwrap();
            assert_arrived_as(&linked, &arrived);
        }
    }

    /// A subject is one line of the header and nothing beside it, whatever it says.
    ///
    /// Proves: RS-07
    pub async fn no_subject_adds_to_the_header(mailer: Sender, arrived: Arrived) {
        mailer.send(&mail(1)).await.unwrap();
        let names = |received: &Received| received.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let harmless = only(&arrived);
        for line_break in ["\r\n", "\n", "\r", "\r\n ", "\n\t", "\r\n\r\n", "\0", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "%0d%0a"] {
            for before in ["", "Hello", "Grüße", &"long ".repeat(30)] {
                let subject = format!("{before}{line_break}Bcc: mallory@example.org{line_break}X-Evil: 1");
                let hostile = Mail { subject, to: address("alice@example.org"), ..mail(2) };
                mailer.send(&hostile).await.unwrap();
                let received = arrived().pop().expect("it has arrived");
                assert_eq!(names(&received), names(&harmless), "{:?}", hostile.subject);
                assert_eq!(received.to, ["alice@example.org"], "{:?}", hostile.subject);
                assert_eq!(received.text, hostile.text, "{:?}", hostile.subject);
                let broken = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
                assert!(received.headers.is_empty() || !received.subject.contains(broken), "{:?}", received.subject);
            }
        }
    }

    /// A mail that is sent again shows itself as the same one, and another as another.
    pub async fn a_mail_that_is_sent_twice_shows_itself_as_one(mailer: Sender, arrived: Arrived) {
        for _ in 0..2 {
            mailer.send(&mail(1)).await.unwrap();
        }
        let ids = || arrived().iter().map(|mail| mail.header("Message-ID").map(str::to_owned)).collect::<BTreeSet<_>>();
        assert_eq!(ids().len(), 1, "{:?}", ids());
        assert!(arrived().len() <= 2);
        mailer.send(&mail(2)).await.unwrap();
        let writes_headers = arrived().iter().any(|mail| !mail.headers.is_empty());
        assert_eq!(ids().len(), if writes_headers { 2 } else { 1 }, "{:?}", ids());
        assert!(!writes_headers || !ids().contains(&None));
    }

    /// Mails that are sent one after the other arrive so.
    pub async fn mails_arrive_in_order(mailer: Sender, arrived: Arrived) {
        for number in 1..=10 {
            mailer.send(&mail(number)).await.unwrap();
        }
        let subjects: Vec<_> = arrived().into_iter().map(|mail| mail.subject).collect();
        assert_eq!(subjects, (1..=10).map(|number| mail(number).subject).collect::<Vec<_>>());
    }

    /// Many that are sent at once arrive whole, each at its recipient.
    pub async fn many_arrive_at_once(mailer: Sender, arrived: Arrived) {
        let mut racers = JoinSet::new();
        for number in 1..=RACERS {
            let mailer = Arc::clone(&mailer);
            racers.spawn(async move { mailer.send(&mail(number)).await.unwrap() });
        }
        racers.join_all().await;
        let what = |mail: Received| (mail.to, mail.subject, mail.text, mail.html);
        let arrived: BTreeSet<_> = arrived().into_iter().map(what).collect();
        assert_eq!(arrived, (1..=RACERS).map(|number| what(mail(number).into())).collect());
    }
}

/// The one that arrived.
fn only(arrived: &Arrived) -> Received {
    let mut all = arrived();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// What arrived last says the same.
fn assert_arrived_as(mail: &Mail, arrived: &Arrived) {
    let received = arrived().pop().expect("it has arrived");
    assert_eq!(received.subject, mail.subject);
    assert_eq!(received.text, mail.text, "text");
    assert_eq!(received.html, mail.html, "HTML");
}

/// One of many that differ in everything, each asked for a second after the one before.
fn mail(number: u16) -> Mail {
    Mail {
        id: MailId::from_uuid(Uuid::from_u128(u128::from(number))),
        kind: MailKind::ResetPassword,
        to: address(&format!("user{number}@example.org")),
        subject: format!("Subject {number}"),
        text: format!("Text {number}\n"),
        html: format!("<p>HTML {number}</p>\n"),
        date: Timestamp::from_micros(1_893_499_200_000_000) + Duration::from_secs(number.into()),
    }
}

/// Always the same mail, whatever it says.
fn mail_that_says(subject: &str, text: &str, html: &str) -> Mail {
    Mail { subject: subject.to_owned(), text: text.to_owned(), html: html.to_owned(), ..mail(1) }
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// The longest address there may be.
fn longest() -> String {
    let (label, local) = ("d".repeat(61), "l".repeat(EmailAddress::MAX_LOCAL_LENGTH));
    let address = format!("{local}@{label}.{label}.{label}.org");
    assert!(address.len() <= EmailAddress::MAX_LENGTH, "{}", address.len());
    address
}
