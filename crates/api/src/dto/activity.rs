use std::net::IpAddr;

use serde::Serialize;
use usher_domain::{
    Action, ActivityEntry, ActivityFilter, ActivityId, ActivityPlace, Outcome, PageSize, Timestamp, UserId,
};
use usher_service::ActivityList;
use utoipa::{ToSchema, openapi::path::Parameter};

use super::Page;
use crate::{
    cursor::ListDigest,
    error::ApiError,
    extract::{FromQuery, Parameters, flag, id, moment, page_size},
    openapi,
};

/// An entry of the activity log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01900000-0000-7000-8000-000000000004",
    "occurred_at": "2030-01-03T08:30:00.000000Z",
    "action": "auth.login",
    "outcome": "success",
    "actor_id": "01900000-0000-7000-8000-000000000001",
    "subject_id": "01900000-0000-7000-8000-000000000001",
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "request_id": "01900000-0000-7000-8000-000000000003",
    "details": { "session_id": "01900000-0000-7000-8000-000000000002" },
}))]
pub struct ActivityRead<'a> {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: ActivityId,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// What happened.
    action: &'static str,
    /// `success` or `failure`.
    outcome: &'static str,
    /// Who did it; nobody where it was the system, or nobody knows.
    #[schema(value_type = Option<String>, format = "uuid", required)]
    actor_id: Option<UserId>,
    /// Whom it is about.
    #[schema(value_type = Option<String>, format = "uuid", required)]
    subject_id: Option<UserId>,
    /// From which address.
    #[schema(value_type = Option<String>, required)]
    ip: Option<IpAddr>,
    /// With which program.
    #[schema(required)]
    user_agent: Option<&'a str>,
    /// In which request.
    #[schema(required)]
    request_id: Option<&'a str>,
    /// What else is known.
    #[schema(value_type = Object)]
    details: &'a serde_json::Map<String, serde_json::Value>,
}

impl<'a> From<&'a ActivityEntry> for ActivityRead<'a> {
    fn from(entry: &'a ActivityEntry) -> Self {
        Self {
            id: entry.id,
            occurred_at: entry.occurred_at,
            action: entry.action.as_str(),
            outcome: entry.outcome.as_str(),
            actor_id: entry.actor,
            subject_id: entry.subject,
            ip: entry.ip,
            user_agent: entry.user_agent.as_deref(),
            request_id: entry.request_id.as_ref().map(usher_domain::RequestId::as_str),
            details: entry.details.fields(),
        }
    }
}

/// Which entries are asked for, where the page begins, and how long it is.
#[derive(Debug)]
pub(crate) struct ActivityListQuery {
    pub filter: ActivityFilter,
    pub size: PageSize,
    pub with_total: bool,
    cursor: Option<String>,
}

impl FromQuery for ActivityListQuery {
    fn from_query(sent: &mut Parameters) -> Result<Self, ApiError> {
        let subject = sent.take("subject", id);
        let mut query = UserActivityQuery::from_query(sent)?.0;
        query.filter.subject = subject;
        Ok(query)
    }
}

/// The same of the entries about one account, which the path names.
#[derive(Debug)]
pub(crate) struct UserActivityQuery(ActivityListQuery);

impl FromQuery for UserActivityQuery {
    fn from_query(sent: &mut Parameters) -> Result<Self, ApiError> {
        let filter = ActivityFilter {
            subject: None,
            actor: sent.take("actor", id),
            actions: sent.take_list("action", Action::ALL.len(), str::parse).unwrap_or_default(),
            outcome: sent.take("outcome", str::parse),
            from: sent.take("from", moment),
            to: sent.take("to", moment),
        };
        let size = sent.take("limit", page_size).unwrap_or_default();
        let with_total = sent.take("include_total", flag).unwrap_or_default();
        let cursor = sent.take("cursor", |text| Ok(text.to_owned()));
        Ok(Self(ActivityListQuery { filter, size, with_total, cursor }))
    }
}

impl UserActivityQuery {
    /// Of the entries about this account.
    pub(crate) fn about(self, user: UserId) -> ActivityListQuery {
        let Self(query) = self;
        ActivityListQuery { filter: ActivityFilter { subject: Some(user), ..query.filter }, ..query }
    }

    /// What is documented of the parameters.
    pub(crate) fn parameters() -> Vec<Parameter> {
        let word = |words: Vec<&'static str>| openapi::text().enum_values(Some(words));
        let actions = word(Action::ALL.iter().map(|action| action.as_str()).collect());
        let outcomes = word(Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect());
        let most = Action::ALL.len();
        let filters = [
            openapi::in_query("actor", "What this account did.", openapi::uuid()),
            openapi::list_in_query("action", "Any of these, separated by commas.", most, actions),
            openapi::in_query("outcome", "What ended so.", outcomes),
            openapi::in_query("from", "What happened at this moment or later.", openapi::moment()),
            openapi::in_query("to", "What happened before this moment.", openapi::moment()),
        ];
        filters.into_iter().chain(openapi::of_pages()).collect()
    }
}

impl ActivityListQuery {
    /// What is documented of the parameters.
    pub(crate) fn parameters() -> Vec<Parameter> {
        let subject = openapi::in_query("subject", "What was done to this account.", openapi::uuid());
        [subject].into_iter().chain(UserActivityQuery::parameters()).collect()
    }

    /// The place that the page begins behind, if not at the latest entry.
    pub(crate) fn place(&self) -> Result<Option<ActivityPlace>, ApiError> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let (micros, id): (i64, ActivityId) = self.digest()?.place(text).ok_or_else(ApiError::invalid_cursor)?;
        let place = ActivityPlace { occurred_at: Timestamp::from_micros(micros), id };
        let is_the_one = self.cursor_of(place)? == *text;
        if is_the_one { Ok(Some(place)) } else { Err(ApiError::invalid_cursor()) }
    }

    /// A page of the list, as it is shown.
    pub(crate) fn page<'a>(&self, list: &'a ActivityList) -> Result<Page<ActivityRead<'a>>, ApiError> {
        Ok(Page {
            items: list.page.items.iter().map(ActivityRead::from).collect(),
            next_cursor: list.page.next.map(|place| self.cursor_of(place)).transpose()?,
            total: list.total.map(|total| total.count),
            total_capped: list.total.is_some_and(|total| total.capped),
        })
    }

    fn cursor_of(&self, place: ActivityPlace) -> Result<String, ApiError> {
        self.digest()?.cursor(&(place.occurred_at.as_micros(), place.id)).ok_or_else(ApiError::internal)
    }

    /// Of everything that decides which entries the list has.
    fn digest(&self) -> Result<ListDigest, ApiError> {
        let ActivityFilter { subject, actor, actions, outcome, from, to } = &self.filter;
        let actions: Vec<_> = actions.iter().map(|action| action.as_str()).collect();
        let outcome = outcome.map(Outcome::as_str);
        ListDigest::of(&("activity", subject, actor, actions, outcome, from, to)).ok_or_else(ApiError::internal)
    }
}
