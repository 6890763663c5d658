use usher_domain::{
    Direction, EmailAddress, ExternalId, Fault, FaultCode, Match, PageSize, RoleName, SearchPrefix, StatusFilter,
    Timestamp, UserFilter, UserId, UserOrder, Username,
};
use usher_service::UserList;
use utoipa::openapi::path::Parameter;

use super::{Page, UserRead};
use crate::{
    cursor::ListDigest,
    error::ApiError,
    extract::{FromQuery, Parameters, flag, id, moment, page_size},
    openapi,
};

/// The orders that can be chosen.
const SORTS: [&str; 4] = ["created_at", "-created_at", "username", "-username"];

/// The most ids that can be asked for at once.
const MOST_IDS: usize = 100;

/// Which accounts are asked for, in which order, where the page begins, and how long it is.
#[derive(Debug)]
pub(crate) struct UserListQuery {
    pub filter: UserFilter,
    pub order: UserOrder,
    pub size: PageSize,
    pub with_total: bool,
    digest: ListDigest,
}

impl FromQuery for UserListQuery {
    fn from_query(sent: &mut Parameters) -> Result<Self, ApiError> {
        let filter = UserFilter {
            username: sent.take("username", Username::parse),
            email: sent.take("email", EmailAddress::parse),
            external_id: sent.take("external_id", ExternalId::parse),
            ids: sent.take_list("ids", MOST_IDS, id),
            role: sent.take("role", RoleName::parse),
            status: sent.take("status", str::parse),
            created_after: sent.take("created_after", moment),
            created_before: sent.take("created_before", moment),
        };
        let is_search = sent.has("q");
        let prefix = sent.take("q", SearchPrefix::parse);
        let sorted = sent.take("sort", |text| if is_search { Err(unsorted()) } else { parse_sort(text) });
        let order = match prefix {
            Some(prefix) => UserOrder::Matching { prefix, after: None },
            None => sorted.unwrap_or_default(),
        };
        let size = sent.take("limit", page_size).unwrap_or_default();
        let with_total = sent.take("include_total", flag).unwrap_or_default();
        let cursor = sent.take("cursor", |text| Ok(text.to_owned()));

        let digest = digest(&filter, &order).ok_or_else(ApiError::internal)?;
        let order = match cursor {
            Some(cursor) => resume(order, &digest, &cursor).ok_or_else(ApiError::invalid_cursor)?,
            None => order,
        };
        Ok(Self { filter, order, size, with_total, digest })
    }
}

impl UserListQuery {
    /// What is documented of the parameters.
    pub(crate) fn parameters() -> Vec<Parameter> {
        let one_of = |values: &[&str]| openapi::text().enum_values(Some(values.iter().copied()));
        let statuses: Vec<_> = StatusFilter::ALL.iter().map(|status| status.as_str()).collect();
        let prefix = openapi::text().min_length(Some(2)).max_length(Some(254));
        let q = "What the username, the address or the full name begins with, taken literally, case does not matter. \
                 Who is found by the username comes first, then by the address. Not together with `sort`.";
        let sort = "The order; `-` is descending. `-created_at`, if left out.";
        let status = "Only those of this status; all but deleted ones, if left out. `deleted` needs `users:delete`.";
        let filters = [
            openapi::in_query("q", q, prefix),
            openapi::in_query("username", "Exactly this username, in any case.", openapi::text()),
            openapi::in_query("email", "Exactly this address, in any case.", openapi::text()),
            openapi::in_query("external_id", "Exactly this external id.", openapi::text()),
            openapi::list_in_query("ids", "Any of these, separated by commas.", MOST_IDS, openapi::uuid()),
            openapi::in_query("role", "Holders of this role.", openapi::text()),
            openapi::in_query("status", status, one_of(&statuses)),
            openapi::in_query("created_after", "Made at this moment or later.", openapi::moment()),
            openapi::in_query("created_before", "Made before this moment.", openapi::moment()),
            openapi::in_query("sort", sort, one_of(&SORTS)),
        ];
        filters.into_iter().chain(openapi::of_pages()).collect()
    }

    /// A page of the list, as it is shown.
    pub(crate) fn page<'a>(&self, list: &'a UserList) -> Result<Page<UserRead<'a>>, ApiError> {
        let cursor = |next| cursor(next, &self.digest).ok_or_else(ApiError::internal);
        Ok(Page {
            items: list.page.items.iter().map(UserRead::from).collect(),
            next_cursor: list.page.next.as_ref().map(cursor).transpose()?,
            total: list.total.map(|total| total.count),
            total_capped: list.total.is_some_and(|total| total.capped),
        })
    }
}

fn unsorted() -> Fault {
    Fault::new(FaultCode::UnknownField, "cannot go with q: what a search finds has an order of its own")
}

fn parse_sort(text: &str) -> Result<UserOrder, Fault> {
    let (field, direction) = match text.strip_prefix('-') {
        Some(field) => (field, Direction::Descending),
        None => (text, Direction::Ascending),
    };
    match field {
        "created_at" => Ok(UserOrder::CreatedAt { direction, after: None }),
        "username" => Ok(UserOrder::Username { direction, after: None }),
        _ => Err(Fault::new(FaultCode::UnknownValue, format!("must be one of: {}", SORTS.join(" ")))),
    }
}

/// Of everything that decides which accounts the list has and how they follow each other.
fn digest(filter: &UserFilter, order: &UserOrder) -> Option<ListDigest> {
    let UserFilter { username, email, external_id, ids, role, status, created_after, created_before } = filter;
    let (order, direction, prefix) = match order {
        UserOrder::CreatedAt { direction, after: _ } => ("created_at", Some(direction), None),
        UserOrder::Username { direction, after: _ } => ("username", Some(direction), None),
        UserOrder::Matching { prefix, after: _ } => ("matching", None, Some(prefix.as_str())),
    };
    let is_descending = direction.map(|direction| *direction == Direction::Descending);
    let status = status.map(StatusFilter::as_str);
    let filter = (username, email, external_id, ids, role, status, created_after, created_before);
    ListDigest::of(&(order, is_descending, prefix, filter))
}

/// The cursor of where the next page begins.
fn cursor(next: &UserOrder, digest: &ListDigest) -> Option<String> {
    match next {
        UserOrder::CreatedAt { after, .. } => {
            after.as_ref().and_then(|(moment, id)| digest.cursor(&(moment.as_micros(), id)))
        }
        UserOrder::Username { after, .. } => after.as_ref().and_then(|key| digest.cursor(key)),
        UserOrder::Matching { after, .. } => {
            after.as_ref().and_then(|Match { field, key, id }| digest.cursor(&(field.as_str(), key, id)))
        }
    }
}

/// The order from where a cursor says on; none unless that is the one cursor of this place.
fn resume(order: UserOrder, digest: &ListDigest, text: &str) -> Option<UserOrder> {
    let order = match order {
        UserOrder::CreatedAt { direction, .. } => {
            let (micros, id): (i64, UserId) = digest.place(text)?;
            UserOrder::CreatedAt { direction, after: Some((Timestamp::from_micros(micros), id)) }
        }
        UserOrder::Username { direction, .. } => {
            let key: String = digest.place(text)?;
            let is_key = Username::parse(&key).is_ok_and(|username| username.key() == key);
            UserOrder::Username { direction, after: is_key.then_some(key) }
        }
        UserOrder::Matching { prefix, .. } => {
            let (field, key, id): (String, String, UserId) = digest.place(text)?;
            let field = field.parse().ok()?;
            let is_key = key.starts_with(prefix.as_str()) && !key.contains('\0');
            UserOrder::Matching { prefix, after: is_key.then_some(Match { field, key, id }) }
        }
    };
    (cursor(&order, digest)? == text).then_some(order)
}

/// How an account is to be deleted.
#[derive(Debug)]
pub(crate) struct Deletion {
    pub permanent: bool,
}

impl FromQuery for Deletion {
    fn from_query(sent: &mut Parameters) -> Result<Self, ApiError> {
        Ok(Self { permanent: sent.take("permanent", flag).unwrap_or_default() })
    }
}

impl Deletion {
    /// What is documented of the parameters.
    pub(crate) fn parameters() -> [Parameter; 1] {
        [openapi::in_query("permanent", "Whether to delete for ever.", openapi::flag())]
    }
}
