mod certificates;
mod received;
mod session;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpSocket},
    select,
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use usher_domain::PlainPassword;
use usher_service::mail::contract::Received;

pub use self::received::received;
use self::{certificates::Certificates, session::Session};
use super::PATIENCE;
use crate::{MailFrom, SmtpLogin, SmtpSettings};

/// A mail server of a test's own, on a free port of this machine. It keeps what it gets, and misbehaves
/// at will. It ends with this value.
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
    /// Holds the port while the server is down.
    reserved: Option<TcpSocket>,
    handed_out: AtomicUsize,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

struct Shared {
    security: MailSecurity,
    certificates: Certificates,
    mails: watch::Sender<Vec<Received>>,
    heard: Mutex<Vec<String>>,
    misbehavior: watch::Sender<Option<Misbehavior>>,
    login: Mutex<Option<Login>>,
    connections: AtomicUsize,
}

/// Who may send mails.
#[derive(Clone)]
struct Login {
    username: String,
    password: String,
    mechanisms: String,
}

/// What a [`MailServer`] keeps others from listening with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// Nothing.
    None,
    /// TLS that begins with STARTTLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// What a [`MailServer`] can do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehavior {
    /// It takes connections and says nothing. What it was asked meanwhile it answers when it behaves again.
    Silent,
    /// The same, but only when it is asked for this.
    SilentAt(MailStep),
    /// It says a byte now and then, and comes to no end.
    Trickle,
    /// It refuses with this code, and repeats what it was told. After 421 it hangs up.
    Refuse(MailStep, u16),
    /// It hangs up instead of answering.
    HangUp(MailStep),
    /// It hangs up while the mail arrives.
    HangUpWithinMail,
    /// It does not offer STARTTLS, and does not know it.
    NoStartTls,
    /// It shows the certificate of another host.
    OtherHost,
    /// It answers STARTTLS with more than one answer, as somebody on the way would who wants the second
    /// one to pass for the server's own.
    SayMoreBeforeTls,
}

/// What a mail server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStep {
    /// Nothing yet: it speaks first.
    Greeting,
    /// `EHLO`
    Hello,
    /// `STARTTLS`
    StartTls,
    /// `AUTH`
    Login,
    /// `MAIL`
    Sender,
    /// `RCPT`
    Recipient,
    /// `DATA`
    Data,
    /// The mail itself. A server that hangs up here has the mail.
    Mail,
    /// `NOOP`
    Noop,
    /// Anything else.
    Other,
}

impl MailServer {
    /// One that runs, without TLS.
    ///
    /// # Panics
    /// If it is on no runtime of tokio, or there is no port for it.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(MailSecurity::None)
    }

    /// One that runs.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with(security: MailSecurity) -> Self {
        let mut server = Self::down(security);
        server.bring_up();
        server
    }

    /// One that does not run yet: connections are refused.
    ///
    /// # Panics
    /// If there is no port for it.
    #[must_use]
    pub fn down(security: MailSecurity) -> Self {
        let reserved = reserve((Ipv4Addr::LOCALHOST, 0).into());
        let shared = Shared {
            security,
            certificates: Certificates::new(),
            mails: watch::Sender::default(),
            heard: Mutex::default(),
            misbehavior: watch::Sender::default(),
            login: Mutex::default(),
            connections: AtomicUsize::new(0),
        };
        let address = reserved.local_addr().unwrap();
        let handed_out = AtomicUsize::new(0);
        Self { address, shared: Arc::new(shared), running: None, reserved: Some(reserved), handed_out }
    }

    /// Starts it. What it held it still holds.
    ///
    /// # Panics
    /// If it runs already, or is on no runtime of tokio.
    pub fn bring_up(&mut self) {
        let listener = self.reserved.take().unwrap().listen(128).unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, stopped, Arc::clone(&self.shared)));
        self.running = Some(Running { stop, task });
    }

    /// Ends all connections, and refuses others.
    ///
    /// # Panics
    /// If it does not run.
    pub async fn take_down(&mut self) {
        let Running { stop, task } = self.running.take().unwrap();
        drop(stop);
        task.await.unwrap();
        self.reserved = Some(reserve(self.address));
    }

    /// Misbehaves from now on, also on connections that are there already.
    pub fn misbehave(&self, how: Misbehavior) {
        self.shared.misbehavior.send_replace(Some(how));
    }

    /// Misbehaves no more.
    pub fn behave(&self) {
        self.shared.misbehavior.send_replace(None);
    }

    /// Takes mails only from whoever has signed in so, from the next connection on.
    pub fn require_login(&self, username: &str, password: &str) {
        self.require_login_by("PLAIN LOGIN", username, password);
    }

    /// As [`require_login`](Self::require_login), by these mechanisms alone (of `PLAIN` and `LOGIN`).
    pub fn require_login_by(&self, mechanisms: &str, username: &str, password: &str) {
        let [username, password, mechanisms] = [username, password, mechanisms].map(str::to_owned);
        *lock(&self.shared.login) = Some(Login { username, password, mechanisms });
    }

    /// Where it is when it runs, as in `mail.smtp.url`.
    #[must_use]
    pub fn url(&self) -> String {
        let port = self.address.port();
        match self.shared.security {
            MailSecurity::None => format!("smtp://127.0.0.1:{port}?tls=none"),
            MailSecurity::StartTls => format!("smtp://localhost:{port}"),
            MailSecurity::Tls => format!("smtps://localhost:{port}"),
        }
    }

    /// How to reach it, with more time than a busy machine needs.
    ///
    /// # Panics
    /// Never: the address is good.
    #[must_use]
    pub fn settings(&self) -> SmtpSettings {
        let login = lock(&self.shared.login).clone();
        let login = login
            .map(|Login { username, password, .. }| SmtpLogin { username, password: PlainPassword::new(password) });
        let from = MailFrom::parse("usher <no-reply@example.org>").unwrap();
        SmtpSettings { login, timeout: PATIENCE, ..SmtpSettings::new(self.url(), from) }
    }

    /// The certificate (PEM) of the authority that vouches for it as `localhost`, for `SSL_CERT_FILE`.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.shared.certificates.authority
    }

    /// The mails that it has taken so far, the earliest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Received> {
        self.shared.mails.borrow().clone()
    }

    /// The mails, once there are so many.
    ///
    /// # Panics
    /// If they do not come.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let mut mails = self.shared.mails.subscribe();
        let enough = timeout(PATIENCE, mails.wait_for(|mails| mails.len() >= count)).await;
        let Ok(enough) = enough else { panic!("{count} mails are waited for, and came: {:?}", self.mails()) };
        enough.unwrap().clone()
    }

    /// The next mail: the first call answers the first one, and so on.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn next_mail(&self) -> Received {
        let number = self.handed_out.fetch_add(1, Ordering::SeqCst);
        self.until(number + 1).await.swap_remove(number)
    }

    /// The commands that it was given so far, on all connections.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        lock(&self.shared.heard).clone()
    }

    /// How many connections it has taken so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailServer").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Nobody is let in on a port that is bound and not listened on, and nobody else gets it.
fn reserve(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(cfg!(unix)).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn serve(listener: TcpListener, mut stopped: oneshot::Receiver<()>, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        select! {
            _ = &mut stopped => break,
            visitor = listener.accept() => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let session = Session::new(Arc::clone(&shared));
                sessions.spawn(async move { session.run(visitor.unwrap().0).await });
            }
        }
    }
    drop(listener);
    sessions.shutdown().await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
