//! The end of a server. Whoever connects meanwhile is told to come back, instead of being left without an answer: what a
//! listener holds when it is closed, the system resets, and what has been accepted and not begun, the server drops.

use std::{io, net, time::Duration};

use actix_web::dev::ServerHandle;
use futures_util::future::{Either, select};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use usher_domain::RequestId;
use usher_service::Environment;

/// How long a client may take for its request, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most bytes that are read of a request.
const MOST: usize = 16 * 1024;

/// How long the threads of a server take, with much to do, until they have begun what was accepted or are rid of a
/// listener.
const TURN: Duration = Duration::from_millis(150);

/// Lets the server stop. It drops what it has accepted and not begun, so it is given the time to begin all of it.
pub(crate) async fn hang_up(handle: &ServerHandle, listener: net::TcpListener) {
    handle.pause().await;
    let latecomers = Latecomers::answer(listener);
    sleep(TURN).await;
    let stopped = handle.stop(true);
    if let Ok(latecomers) = latecomers {
        // The server has a listener, too: it is closed by then.
        sleep(TURN).await;
        latecomers.stop().await;
    }
    stopped.await;
}

/// Answers them, in a task of its own.
struct Latecomers {
    stop: oneshot::Sender<()>,
    answering: JoinHandle<()>,
}

impl Latecomers {
    /// From here on, those whom this listener takes.
    fn answer(listener: net::TcpListener) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let (stop, stopped) = oneshot::channel();
        Ok(Self { stop, answering: tokio::spawn(answer_all(listener, stopped)) })
    }

    /// Takes no more of them once none waits, and waits until all have their answer.
    async fn stop(self) {
        // That it has ended by itself is as good.
        let _ = self.stop.send(());
        let _ = self.answering.await;
    }
}

async fn answer_all(listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
    let (mut answers, mut waiting) = (JoinSet::new(), Vec::new());
    while let Either::Left((Ok((client, _)), _)) = select(Box::pin(listener.accept()), &mut stopped).await {
        answers.spawn(timeout(PATIENCE, answer(Ok(client))));
    }
    if let Ok(listener) = listener.into_std() {
        // To the very last one, without a turn of the runtime before the listener is closed.
        while let Ok((client, _)) = listener.accept() {
            waiting.push(client);
        }
    }
    for client in waiting {
        answers.spawn(timeout(PATIENCE, answer(as_async(client))));
    }
    answers.join_all().await;
}

fn as_async(client: net::TcpStream) -> io::Result<TcpStream> {
    client.set_nonblocking(true)?;
    TcpStream::from_std(client)
}

async fn answer(client: io::Result<TcpStream>) -> io::Result<()> {
    let mut client = client?;
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") && request.len() < MOST {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    client.write_all(&refusal()).await?;
    client.shutdown().await?;
    // Closed with something unread, the connection would be reset, and the answer lost with it.
    while client.read_buf(&mut request).await? != 0 {
        request.clear();
    }
    Ok(())
}

fn refusal() -> Vec<u8> {
    let id = RequestId::generate(&*Environment::system().ids);
    let body = usher_api::unavailable_body("the server is stopping", &id);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         retry-after: 1\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\n\
         connection: close\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}
