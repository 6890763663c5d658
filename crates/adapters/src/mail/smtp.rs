use std::{
    fmt::{self, Display},
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use lettre::{
    Message,
    transport::smtp::{
        authentication::DEFAULT_MECHANISMS,
        client::AsyncSmtpConnection,
        commands::{Data, Mail as MailCommand, Noop, Rcpt},
        extension::ClientId,
        response::{Response, Severity},
    },
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use usher_service::{Mail, MailError, Mailer};

use super::{
    MailFrom,
    before_tls::BeforeTls,
    error::{SmtpError, Step},
    message::message,
    settings::{InvalidSmtpSettings, Security, Server, SmtpSettings},
};

/// How many connections are kept for mails to come.
const KEPT: usize = 4;

/// The part of the time for one mail that one attempt to reach one address may take, or that a kept
/// connection has to show that it is alive: one that fails leaves time for others.
const ATTEMPT: u32 = 4;

/// Hands mails to a mail server. What the server has confirmed is its business from then on.
pub struct SmtpMailer {
    server: Server,
    /// How this client introduces itself: by the domain that mails are from, not by the machine's name,
    /// which is nobody's business.
    name: ClientId,
    from: MailFrom,
    timeout: Duration,
    /// Connections that were left in good order, each after a mail that was confirmed. What lettre's own
    /// pool does would not do: it also keeps connections that were given up half-way through a mail, on
    /// which answers no longer belong to the questions.
    kept: Mutex<Vec<AsyncSmtpConnection>>,
}

impl SmtpMailer {
    /// Nothing is sent yet: a connection is made when there is a mail.
    ///
    /// # Errors
    /// [`InvalidSmtpSettings`].
    pub fn open(settings: SmtpSettings) -> Result<Self, InvalidSmtpSettings> {
        Ok(Self {
            server: settings.server()?,
            name: ClientId::Domain(settings.from.domain().to_owned()),
            from: settings.from,
            timeout: settings.timeout,
            kept: Mutex::default(),
        })
    }

    async fn hand_over(&self, mail: &Message) -> Result<(), SmtpError> {
        let mut connection = self.connection().await?;
        let envelope = mail.envelope();
        ask(&mut connection, MailCommand::new(envelope.from().cloned(), vec![]), Step::Sender).await?;
        for to in envelope.to() {
            ask(&mut connection, Rcpt::new(to.clone(), vec![]), Step::Recipient).await?;
        }
        let answer = connection.command(Data).await.map_err(|error| SmtpError::at(Step::Data, &error))?;
        if !answer.has_code(354) {
            return Err(SmtpError::unexpected(Step::Data, &answer));
        }
        let answer = connection.message(&mail.formatted()).await;
        done(Step::Mail, &answer.map_err(|error| SmtpError::at(Step::Mail, &error))?)?;
        self.keep(connection);
        Ok(())
    }

    /// One that was kept, if it is alive, or a new one. If it is not, the others are not asked.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let kept = self.kept().pop();
        if let Some(mut connection) = kept {
            if let Ok(Ok(())) = timeout(self.timeout / ATTEMPT, ask(&mut connection, Noop, Step::Reuse)).await {
                return Ok(connection);
            }
            self.kept().clear();
        }
        let mut connection = self.connect().await?;
        if let Some(credentials) = &self.server.credentials {
            if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
                return Err(SmtpError::NoWayToSignIn);
            }
            let answer = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            done(Step::SignIn, &answer.map_err(|error| SmtpError::at(Step::SignIn, &error))?)?;
        }
        Ok(connection)
    }

    /// A connection that is as safe as was asked for, or none.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let Server { host, port, security, .. } = &self.server;
        let at = |step| move |error| SmtpError::at(step, &error);
        let greeted = match security {
            Security::None => {
                AsyncSmtpConnection::connect_with_transport(Box::new(self.reach().await?), &self.name).await
            }
            Security::StartTls(_) => {
                let stream = BeforeTls::new(self.reach().await?);
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.name).await
            }
            Security::Tls(tls) => {
                let (server, limit) = ((host.as_str(), *port), Some(self.timeout / ATTEMPT));
                AsyncSmtpConnection::connect_tokio1(server, limit, &self.name, Some(tls.clone()), None).await
            }
        };
        let mut connection = greeted.map_err(at(Step::Connection))?;
        if let Security::StartTls(tls) = security {
            if !connection.can_starttls() {
                return Err(SmtpError::NoStartTls);
            }
            connection.starttls(tls.clone(), &self.name).await.map_err(at(Step::StartTls))?;
        }
        Ok(connection)
    }

    /// The first address of the server that can be reached.
    async fn reach(&self) -> Result<TcpStream, SmtpError> {
        let unreachable = |error: io::Error| SmtpError::Unreachable(error.to_string());
        let addresses = lookup_host((self.server.host.as_str(), self.server.port)).await.map_err(unreachable)?;
        let mut failure = SmtpError::Unreachable("it has no address".to_owned());
        for address in addresses {
            let attempt = timeout(self.timeout / ATTEMPT, TcpStream::connect(address)).await;
            match attempt.unwrap_or_else(|late| Err(late.into())) {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = unreachable(error),
            }
        }
        Err(failure)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(connection);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<AsyncSmtpConnection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a command, and takes nothing for an answer but that it was done.
async fn ask(connection: &mut AsyncSmtpConnection, command: impl Display, step: Step) -> Result<(), SmtpError> {
    let answer = connection.command(command).await.map_err(|error| SmtpError::at(step, &error))?;
    done(step, &answer)
}

/// To go on asking (3xx) is not to say that it was done.
fn done(step: Step, answer: &Response) -> Result<(), SmtpError> {
    match answer.code().severity {
        Severity::PositiveCompletion => Ok(()),
        Severity::PositiveIntermediate
        | Severity::TransientNegativeCompletion
        | Severity::PermanentNegativeCompletion => Err(SmtpError::unexpected(step, answer)),
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message(mail, &self.from).map_err(|error| MailError(Box::new(error)))?;
        let limit = self.timeout;
        Ok(timeout(limit, self.hand_over(&message)).await.unwrap_or(Err(SmtpError::TimedOut(limit)))?)
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpMailer")
    }
}
