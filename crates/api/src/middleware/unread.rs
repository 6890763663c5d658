//! Request bodies in chunks that were answered before they were read to their end.
//!
//! actix reads such a body on for as long as its sender likes, unless somebody still holds it when the
//! answer goes out: then it closes the connection. (A body of known length closes it in any case.) So
//! the answer holds it.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    web::Bytes,
};
use futures_util::Stream;

#[derive(Clone)]
pub(super) struct Unread(Rc<RefCell<Payload>>);

impl Unread {
    /// Keeps a hand on the body of a request, if it comes in chunks.
    pub(super) fn watch(request: &mut ServiceRequest) -> Option<Self> {
        if !matches!(request.chunked(), Ok(true)) {
            return None;
        }
        let unread = Self(Rc::new(RefCell::new(request.take_payload())));
        let stream: Pin<Box<dyn Stream<Item = _>>> = Box::pin(unread.clone());
        request.set_payload(Payload::from(stream));
        Some(unread)
    }

    pub(super) fn held_by(self, answer: BoxBody) -> Holding {
        Holding { answer, _unread: self }
    }
}

impl Stream for Unread {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// The body of an answer, and that of the request with it.
pub(super) struct Holding {
    answer: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}
