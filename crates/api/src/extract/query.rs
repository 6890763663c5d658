use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Query};
use usher_domain::{Fault, FaultCode, InvalidPageSize, PageSize, ParseIdError, Timestamp, ValidationError};

use super::shown;
use crate::error::ApiError;

/// The query parameters of a route, all of them read and checked.
#[derive(Debug)]
pub(crate) struct ValidQuery<T>(pub T);

/// That the route takes no query parameters, and none were sent.
pub(crate) type NoQuery = ValidQuery<()>;

/// What a route takes from the query.
pub(crate) trait FromQuery: Sized {
    /// Takes every parameter that the route knows. What is left then, and what is at fault in the
    /// values, is refused before anything else.
    fn from_query(sent: &mut Parameters) -> Result<Self, ApiError>;
}

impl FromQuery for () {
    fn from_query(_: &mut Parameters) -> Result<Self, ApiError> {
        Ok(())
    }
}

impl<T: FromQuery> FromRequest for ValidQuery<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

fn read<T: FromQuery>(query: &str) -> Result<T, ApiError> {
    let mut sent = Parameters::parse(query)?;
    let taken = T::from_query(&mut sent);
    sent.finish()?;
    taken
}

/// The parameters that were sent and not taken yet, and what was wrong with those that were.
pub(crate) struct Parameters {
    sent: Vec<(String, String)>,
    faults: ValidationError,
}

impl Parameters {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let sent = Query::<Vec<(String, String)>>::from_query(query).map_err(|_| {
            let fault = Fault::new(FaultCode::InvalidFormat, "the query is not of the form name=value&name=value");
            ApiError::invalid(String::new(), fault)
        })?;
        Ok(Self { sent: sent.into_inner(), faults: ValidationError::default() })
    }

    /// The value of a parameter, read.
    pub(crate) fn take<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let text = self.take_text(name)?;
        self.faults.check(name, read(&text))
    }

    /// The values of a parameter that are separated by commas, each read by itself.
    pub(crate) fn take_list<T>(
        &mut self,
        name: &str,
        most: usize,
        read: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        let text = self.take_text(name)?;
        if text.split(',').count() > most {
            self.refuse(name, Fault::new(FaultCode::TooLong, format!("may hold at most {most} values")));
            return None;
        }
        let values = text.split(',').enumerate();
        Some(values.filter_map(|(i, value)| self.faults.check(&format!("{name}.{i}"), read(value))).collect())
    }

    /// Whether a parameter was sent and not taken yet.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.sent.iter().any(|(sent, _)| sent == name)
    }

    fn refuse(&mut self, name: &str, fault: Fault) {
        self.faults.push(name, fault);
    }

    fn take_text(&mut self, name: &str) -> Option<String> {
        let (taken, left) = self.sent.drain(..).partition(|(sent, _)| sent == name);
        self.sent = left;
        let mut taken: Vec<(String, String)> = taken;
        let (_, text) = taken.pop()?;
        if !taken.is_empty() {
            self.refuse(name, Fault::new(FaultCode::InvalidFormat, "may be given only once"));
            return None;
        }
        // What bytes become that are not UTF-8. No value of ours holds it.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            self.refuse(name, Fault::new(FaultCode::InvalidFormat, "must be UTF-8"));
            return None;
        }
        Some(text)
    }

    /// Refuses what nobody took, by its names: values may be secrets.
    fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.sent) {
            let name = shown(&name);
            if !self.faults.has(&name) {
                self.refuse(&name, Fault::new(FaultCode::UnknownField, "is no query parameter of this route"));
            }
        }
        if self.faults.faults().is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid_fields(self.faults.faults().to_vec()))
    }
}

/// `true` or `false`.
pub(crate) fn flag(text: &str) -> Result<bool, Fault> {
    text.parse().map_err(|_| Fault::new(FaultCode::WrongType, "must be true or false"))
}

/// The size of a page.
pub(crate) fn page_size(text: &str) -> Result<PageSize, Fault> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::new(FaultCode::WrongType, "must be a whole number"));
    }
    let size = text.parse().ok().and_then(|size| PageSize::new(size).ok());
    size.ok_or_else(|| Fault::new(FaultCode::OutOfRange, InvalidPageSize.to_string()))
}

/// A moment, as RFC 3339 writes it.
pub(crate) fn moment(text: &str) -> Result<Timestamp, Fault> {
    let example = "must be a moment such as 2030-01-01T12:00:00Z (RFC 3339)";
    text.parse().map_err(|_| Fault::new(FaultCode::InvalidFormat, example))
}

/// An id.
pub(crate) fn id<T: FromStr<Err = ParseIdError>>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|error: ParseIdError| Fault::new(FaultCode::InvalidFormat, error.to_string()))
}
