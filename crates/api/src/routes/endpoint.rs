use std::any::type_name;

use actix_web::{
    FromRequest, Handler, Responder, Route,
    guard::{Guard, GuardContext},
    http::{Method, header::AUTHORIZATION},
    web,
};

use crate::{extract::BodyLimit, openapi::Operation};

/// Where a path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Below the base path.
    Base,
    /// Beside it, where other standards look for it.
    Outside,
    /// Beside it, and only where the documentation is switched on.
    Documentation,
}

/// One operation: a path, its methods, and what answers.
pub(crate) struct Endpoint {
    pub methods: Vec<Method>,
    pub place: Place,
    /// The name of the handler, which is the operation's id.
    pub id: &'static str,
    /// None for pages and what belongs to them, and for what another operation tells of.
    pub operation: Option<Operation>,
    /// The path, and behind it the aliases.
    paths: Vec<&'static str>,
    body_limit: BodyLimit,
    without_token: bool,
    /// Makes a route without guards: one for each path, since a route cannot be cloned.
    handler: Box<dyn Fn() -> Route>,
}

impl Endpoint {
    pub(super) fn new<F, Args>(
        methods: &[Method],
        path: &'static str,
        handler: F,
        operation: impl Into<Option<Operation>>,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self {
            methods: methods.to_vec(),
            place: Place::Base,
            id: type_name::<F>().rsplit("::").next().unwrap_or_default(),
            operation: operation.into(),
            paths: vec![path],
            body_limit: BodyLimit::Standard,
            without_token: false,
            handler: Box::new(move || web::route().to(handler.clone())),
        }
    }

    /// Answers under another path too, which is not for new clients.
    pub(super) fn alias(mut self, path: &'static str) -> Self {
        self.paths.push(path);
        self
    }

    /// Takes a password or a token and little else: only a small body is read.
    pub(super) fn takes_secret(mut self) -> Self {
        self.body_limit = BodyLimit::Auth;
        self
    }

    /// Is for those who send no `Authorization` at all. Another endpoint of the same path and method, right
    /// behind this one in the table, takes everybody else, and its operation tells of both.
    pub(super) fn without_token(mut self) -> Self {
        self.without_token = true;
        self
    }

    /// Stands somewhere else than below the base path.
    pub(super) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The path and its aliases, as clients ask for them.
    pub(crate) fn paths(&self, base_path: &str) -> Vec<String> {
        let base_path = match self.place {
            Place::Base => base_path,
            Place::Outside | Place::Documentation => "",
        };
        self.paths.iter().map(|path| format!("{base_path}{path}")).collect()
    }

    /// A route that takes the requests which are for this endpoint.
    pub(super) fn route(&self) -> Route {
        let Self { methods, body_limit, without_token, .. } = self;
        let accepted = Accepted { methods: methods.clone(), body_limit: *body_limit, without_token: *without_token };
        (self.handler)().guard(accepted)
    }
}

/// The requests that are for one endpoint, which are given its limit.
struct Accepted {
    methods: Vec<Method>,
    body_limit: BodyLimit,
    without_token: bool,
}

impl Guard for Accepted {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        let head = context.head();
        let is_accepted =
            self.methods.contains(&head.method) && !(self.without_token && head.headers().contains_key(AUTHORIZATION));
        if is_accepted && self.body_limit != BodyLimit::Standard {
            context.req_data_mut().insert(self.body_limit);
        }
        is_accepted
    }
}
