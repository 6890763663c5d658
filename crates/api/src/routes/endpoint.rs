use std::any::type_name;

use actix_web::{FromRequest, Handler, Responder, Route, guard, http::Method, web};

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
    pub body_limit: BodyLimit,
    /// Makes its route: one for each path, since a route cannot be cloned.
    pub route: Box<dyn Fn() -> Route>,
    /// The name of the handler, which is the operation's id.
    pub id: &'static str,
    /// None for pages and what belongs to them.
    pub operation: Option<Operation>,
    /// The path, and behind it the aliases.
    paths: Vec<&'static str>,
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
        let methods = methods.to_vec();
        let accepted = methods.clone();
        let route = move || {
            let accepted = accepted.clone();
            let is_accepted = guard::fn_guard(move |context| accepted.contains(&context.head().method));
            web::route().guard(is_accepted).to(handler.clone())
        };
        Self {
            methods,
            place: Place::Base,
            body_limit: BodyLimit::Standard,
            route: Box::new(route),
            id: type_name::<F>().rsplit("::").next().unwrap_or_default(),
            operation: operation.into(),
            paths: vec![path],
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
}
