use std::{io, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::sleep,
};

use super::{Login, MailSecurity, MailStep, Misbehavior, Shared, lock, received::received};

/// How long a server that trickles thinks about each byte.
const TRICKLE: Duration = Duration::from_millis(10);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Visitor = BufReader<Box<dyn Stream>>;

/// One visitor (RFC 5321).
pub(super) struct Session {
    shared: Arc<Shared>,
    login: Option<Login>,
    is_encrypted: bool,
    is_signed_in: bool,
    sender: bool,
    recipients: Vec<String>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let login = lock(&shared.login).clone();
        Self { shared, login, is_encrypted: false, is_signed_in: false, sender: false, recipients: Vec::new() }
    }

    /// Whatever goes wrong with a connection ends it.
    pub(super) async fn run(self, visitor: TcpStream) {
        let _ = self.serve(visitor).await;
    }

    async fn serve(mut self, visitor: TcpStream) -> io::Result<()> {
        let mut visitor: Visitor = BufReader::new(Box::new(visitor));
        if self.shared.security == MailSecurity::Tls {
            visitor = self.encrypt(visitor).await?;
        }
        self.answer(&mut visitor, MailStep::Greeting, "220 mail.example.org", "").await?;
        loop {
            let line = read_line(&mut visitor).await?;
            lock(&self.shared.heard).push(line.clone());
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let (step, answer) = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => (MailStep::Hello, self.hello()),
                "STARTTLS" if self.offers_starttls() => {
                    let says_more = self.misbehavior() == Some(Misbehavior::SayMoreBeforeTls);
                    let more = if says_more { "\r\n250-mallory.example.org\r\n250 AUTH PLAIN" } else { "" };
                    self.answer(&mut visitor, MailStep::StartTls, &format!("220 go on{more}"), &line).await?;
                    visitor = self.encrypt(visitor).await?;
                    continue;
                }
                "AUTH" if self.offers_login() => (MailStep::Login, self.sign_in(&mut visitor, rest).await?),
                "MAIL" if self.login.is_some() && !self.is_signed_in => {
                    (MailStep::Sender, "530 5.7.0 sign in".to_owned())
                }
                "MAIL" => {
                    self.sender = true;
                    self.recipients.clear();
                    (MailStep::Sender, "250 go on".to_owned())
                }
                "RCPT" if self.sender => {
                    let address = rest.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
                    self.recipients.push(address.map_or(rest, |(address, _)| address).to_owned());
                    (MailStep::Recipient, "250 go on".to_owned())
                }
                "DATA" if !self.recipients.is_empty() => {
                    self.answer(&mut visitor, MailStep::Data, "354 go on", &line).await?;
                    let mail = self.read_mail(&mut visitor).await?;
                    let (answer, repeated) = (self.take(&mail), one_line(&mail));
                    self.answer(&mut visitor, MailStep::Mail, &answer, &repeated).await?;
                    continue;
                }
                "RSET" => {
                    self.sender = false;
                    self.recipients.clear();
                    (MailStep::Other, "250 forgotten".to_owned())
                }
                "NOOP" => (MailStep::Noop, "250 nothing".to_owned()),
                "QUIT" => {
                    self.answer(&mut visitor, MailStep::Other, "221 bye", &line).await?;
                    return Ok(());
                }
                "STARTTLS" | "AUTH" => (MailStep::Other, "502 5.5.1 not offered".to_owned()),
                _ => (MailStep::Other, "503 5.5.1 not now".to_owned()),
            };
            self.answer(&mut visitor, step, &answer, &line).await?;
        }
    }

    fn misbehavior(&self) -> Option<Misbehavior> {
        *self.shared.misbehavior.borrow()
    }

    fn offers_starttls(&self) -> bool {
        let can = self.shared.security == MailSecurity::StartTls && !self.is_encrypted;
        can && self.misbehavior() != Some(Misbehavior::NoStartTls)
    }

    /// Where there is TLS to come, nobody is asked for a password before. One that hides its TLS, as
    /// somebody on the way would do, hopes for one.
    fn offers_login(&self) -> bool {
        self.login.is_some() && !self.offers_starttls()
    }

    fn hello(&self) -> String {
        let mut lines = vec!["250-mail.example.org".to_owned()];
        if self.offers_starttls() {
            lines.push("250-STARTTLS".to_owned());
        }
        if let Some(login) = self.login.as_ref().filter(|_| self.offers_login()) {
            lines.push(format!("250-AUTH {}", login.mechanisms));
        }
        lines.push("250 ENHANCEDSTATUSCODES".to_owned());
        lines.join("\r\n")
    }

    async fn encrypt(&mut self, visitor: Visitor) -> io::Result<Visitor> {
        let certificates = &self.shared.certificates;
        let is_another = self.misbehavior() == Some(Misbehavior::OtherHost);
        let acceptor = if is_another { &certificates.of_another_host } else { &certificates.own };
        let encrypted = acceptor.accept(visitor.into_inner()).await?;
        self.is_encrypted = true;
        Ok(BufReader::new(Box::new(encrypted)))
    }

    async fn sign_in(&mut self, visitor: &mut Visitor, arguments: &str) -> io::Result<String> {
        let Some(login) = self.login.clone() else { return Err(io::ErrorKind::InvalidData.into()) };
        let (mechanism, initial) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let given = if mechanism == "PLAIN" {
            decode(initial)
        } else {
            let mut given = String::new();
            for challenge in ["Username:", "Password:"] {
                visitor.write_all(format!("334 {}\r\n", STANDARD.encode(challenge)).as_bytes()).await?;
                given = format!("{given}\0{}", decode(&read_line(visitor).await?));
            }
            given
        };
        let Login { username, password, mechanisms } = login;
        self.is_signed_in = mechanisms.contains(mechanism) && given == format!("\0{username}\0{password}");
        Ok(if self.is_signed_in { "235 welcome".to_owned() } else { format!("535 5.7.8 {given:?} is not known") })
    }

    async fn read_mail(&self, visitor: &mut Visitor) -> io::Result<Vec<u8>> {
        let mut mail = Vec::new();
        loop {
            let mut line = Vec::new();
            if visitor.read_until(b'\n', &mut line).await? == 0
                || self.misbehavior() == Some(Misbehavior::HangUpWithinMail)
            {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                return Ok(mail);
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    /// Keeps a mail, unless it will be refused.
    fn take(&mut self, mail: &[u8]) -> String {
        if !matches!(self.misbehavior(), Some(Misbehavior::Refuse(MailStep::Mail, _))) {
            let mail = received(std::mem::take(&mut self.recipients), mail);
            self.shared.mails.send_modify(|mails| mails.push(mail));
        }
        self.sender = false;
        "250 2.0.0 kept".to_owned()
    }

    /// Answers as it should, or as it is told to.
    async fn answer(&self, visitor: &mut Visitor, step: MailStep, answer: &str, heard: &str) -> io::Result<()> {
        let is_silent = |how: &Option<Misbehavior>| match how {
            Some(Misbehavior::Silent) => true,
            Some(Misbehavior::SilentAt(at)) => *at == step,
            Some(_) | None => false,
        };
        // Its other end lives as long as this one.
        let _ = self.shared.misbehavior.subscribe().wait_for(|how| !is_silent(how)).await;
        match self.misbehavior() {
            Some(Misbehavior::Trickle) => loop {
                visitor.write_all(b"2").await?;
                visitor.flush().await?;
                sleep(TRICKLE).await;
            },
            Some(Misbehavior::HangUp(at)) if at == step => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Misbehavior::Refuse(at, code)) if at == step => {
                let refusal = format!("{code} {}.7.1 not with me: {heard}\r\n", code / 100);
                visitor.write_all(refusal.as_bytes()).await?;
                visitor.flush().await?;
                if code == 421 { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
            }
            Some(_) | None => {
                visitor.write_all(format!("{answer}\r\n").as_bytes()).await?;
                visitor.flush().await
            }
        }
    }
}

/// Without its end. A visitor who is gone ends the session.
async fn read_line(visitor: &mut Visitor) -> io::Result<String> {
    let mut line = String::new();
    if visitor.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn decode(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).unwrap_or_default()).unwrap_or_default()
}

/// Of a mail, what fits into an answer.
fn one_line(mail: &[u8]) -> String {
    String::from_utf8_lossy(mail).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(900).collect()
}
