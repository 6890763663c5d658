//! Lists of accounts: filtered, ordered, cut into pages.

use usher_domain::{
    Direction, EmailAddress, FullName, Match, Page, PageSize, SearchField, SearchPrefix, StatusFilter, User,
    UserFilter, UserOrder, UserStatus,
};

/// Whether an account belongs to a list.
pub(super) fn passes(filter: &UserFilter, user: &User) -> bool {
    let UserFilter { username, email, external_id, ids, role, status, created_after, created_before } = filter;
    let in_status = match (status, user.status) {
        (None, UserStatus::Active | UserStatus::Deactivated { .. })
        | (Some(StatusFilter::Active), UserStatus::Active)
        | (Some(StatusFilter::Deactivated), UserStatus::Deactivated { .. })
        | (Some(StatusFilter::Deleted), UserStatus::Deleted { .. }) => true,
        (None | Some(_), _) => false,
    };
    in_status
        && username.as_ref().is_none_or(|name| name.key() == user.username.key())
        && email.as_ref().is_none_or(|email| Some(email.key()) == user.email.as_ref().map(EmailAddress::key))
        && (external_id.is_none() || *external_id == user.external_id)
        && ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
        && role.as_ref().is_none_or(|role| user.roles.contains(role))
        && created_after.is_none_or(|moment| moment <= user.created_at)
        && created_before.is_none_or(|moment| user.created_at < moment)
}

/// What of an account a search finds first.
pub(super) fn found(user: &User, prefix: &SearchPrefix) -> Option<Match> {
    let keys = [
        (SearchField::Username, Some(user.username.key())),
        (SearchField::Email, user.email.as_ref().map(EmailAddress::key)),
        (SearchField::FullName, user.full_name.as_ref().map(FullName::key)),
    ];
    keys.into_iter().find_map(|(field, key)| {
        let key = key.filter(|key| key.starts_with(prefix.as_str()))?;
        Some(Match { field, key, id: user.id })
    })
}

/// The page of these accounts that the order names.
pub(super) fn page(users: Vec<User>, order: &UserOrder, size: PageSize) -> Page<User, UserOrder> {
    match order {
        UserOrder::CreatedAt { direction, after } => {
            let next = |after| UserOrder::CreatedAt { direction: *direction, after: Some(after) };
            cut(users, |user| Some((user.created_at, user.id)), *direction, after.as_ref(), size, next)
        }
        UserOrder::Username { direction, after } => {
            let next = |after| UserOrder::Username { direction: *direction, after: Some(after) };
            cut(users, |user| Some(user.username.key()), *direction, after.as_ref(), size, next)
        }
        UserOrder::Matching { prefix, after } => {
            let place = |Match { field, key, id }| (field, key, id);
            let next = |(field, key, id)| UserOrder::Matching {
                prefix: prefix.clone(),
                after: Some(Match { field, key, id }),
            };
            let after = after.clone().map(place);
            cut(users, |user| found(user, prefix).map(place), Direction::Ascending, after.as_ref(), size, next)
        }
    }
}

/// The accounts that have a place, in its order, after one place, and no more than a page of them.
fn cut<Place: Ord>(
    users: Vec<User>,
    place: impl Fn(&User) -> Option<Place>,
    direction: Direction,
    after: Option<&Place>,
    size: PageSize,
    next: impl Fn(Place) -> UserOrder,
) -> Page<User, UserOrder> {
    let mut placed: Vec<_> = users.into_iter().filter_map(|user| Some((place(&user)?, user))).collect();
    placed.sort_by(|(one, _), (other, _)| one.cmp(other));
    placed.retain(|(place, _)| {
        after.is_none_or(|after| match direction {
            Direction::Ascending => place > after,
            Direction::Descending => place < after,
        })
    });
    if direction == Direction::Descending {
        placed.reverse();
    }
    let more = placed.len() > size.get();
    placed.truncate(size.get());
    let (mut places, items): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
    Page { items, next: places.pop().filter(|_| more).map(next) }
}
