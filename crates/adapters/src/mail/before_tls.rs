use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection on which TLS begins half-way. Before it does, bytes are read one by one: nothing that
/// somebody on the way sent ahead can wait in a buffer and pass for the server's word later (RFC 3207, 6;
/// "NO STARTTLS", USENIX Security 2021). It comes into the handshake instead, and ends it.
#[derive(Debug)]
pub(super) struct BeforeTls {
    connection: TcpStream,
    is_over: bool,
}

/// What the first record of TLS begins with (RFC 8446, 5.1), and no command of SMTP does.
const HANDSHAKE: u8 = 22;

impl BeforeTls {
    pub(super) fn new(connection: TcpStream) -> Self {
        Self { connection, is_over: false }
    }
}

impl AsyncRead for BeforeTls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over {
            return Pin::new(&mut self.connection).poll_read(context, buffer);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.connection).poll_read(context, &mut one))?;
        buffer.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BeforeTls {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_over |= bytes.first() == Some(&HANDSHAKE);
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

impl AsyncTokioStream for BeforeTls {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.connection.peer_addr()
    }
}
