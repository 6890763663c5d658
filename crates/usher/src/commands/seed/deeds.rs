//! What people who do not exist have done. What entry number i tells depends on i, on how many there are
//! to be, and on who was there to do it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use usher_domain::{Action, ActivityEntry, ActivityId, Details, Outcome, RequestId, Timestamp, UserId};

use super::dice::{Dice, Of};

/// 1 November 2025. Entries are of the year after it, at whose end the last account is made.
const BEGIN_MICROS: i64 = 1_761_955_200_000_000;
const YEAR_MICROS: u64 = 365 * 24 * 60 * 60 * 1_000_000;

/// Networks for documentation (RFC 5737).
const NETWORKS: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];

const USER_AGENTS: [&str; 6] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "curl/8.14.1",
];

/// Who could do something.
pub(super) struct People {
    /// A few who do much, also to others.
    pub(super) staff: Vec<UserId>,
    /// Those who were about at that time.
    pub(super) crowd: Vec<UserId>,
}

/// Who did it, and to whom.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// Somebody, to himself.
    Himself,
    /// Nobody who is known, to somebody.
    UnknownToSomebody,
    /// One of the staff, to somebody.
    StaffToSomebody,
    /// One of the staff, to no account.
    Staff,
    /// Nobody who is known, to nobody.
    Unknown,
}

use Action as Did;
use Outcome::{Failure, Success};
use Who::{Himself, Staff, StaffToSomebody, Unknown, UnknownToSomebody};

type Deed = (u64, Did, Outcome, Who, fn(&mut Dice) -> Details);

/// How often what is done, of 100,000 times. What is not here is never done.
const DEEDS: [Deed; 26] = [
    (50_000, Did::AuthLogin, Success, Himself, session),
    (17_000, Did::AuthLogout, Success, Himself, nothing),
    (9_000, Did::AuthLogin, Failure, UnknownToSomebody, nothing),
    (4_000, Did::SessionRevoked, Success, Himself, session),
    (4_000, Did::UserUpdated, Success, Himself, fields),
    (3_000, Did::AuthLogin, Failure, Unknown, digest),
    (3_000, Did::AuthAccessDenied, Failure, Himself, route),
    (2_500, Did::UserUpdated, Success, StaffToSomebody, fields),
    (1_800, Did::PasswordChanged, Success, Himself, nothing),
    (1_400, Did::PasswordResetRequested, Success, UnknownToSomebody, nothing),
    (1_000, Did::PasswordReset, Success, Himself, nothing),
    (900, Did::EmailVerified, Success, Himself, nothing),
    (600, Did::AuthThrottled, Failure, Unknown, digest),
    (500, Did::EmailChangeRequested, Success, Himself, nothing),
    (400, Did::EmailChanged, Success, Himself, nothing),
    (300, Did::UserRolesChanged, Success, StaffToSomebody, roles),
    (150, Did::UserDeactivated, Success, StaffToSomebody, nothing),
    (120, Did::UserActivated, Success, StaffToSomebody, nothing),
    (100, Did::PasswordSet, Success, StaffToSomebody, nothing),
    (100, Did::UserDataExported, Success, Himself, nothing),
    (60, Did::AuthRefreshReused, Failure, UnknownToSomebody, session),
    (50, Did::MailFailed, Failure, UnknownToSomebody, nothing),
    (10, Did::UserInvited, Success, StaffToSomebody, nothing),
    (5, Did::KeyRotated, Success, Unknown, nothing),
    (3, Did::RoleUpdated, Success, Staff, nothing),
    (2, Did::RoleCreated, Success, Staff, nothing),
];

/// The entry with this number, of so many.
pub(super) fn entry(number: u32, of: u32, people: &People) -> ActivityEntry {
    let mut dice = Dice::new(Of::Deed, number);
    let occurred_at = dice.moment(number, of, BEGIN_MICROS, YEAR_MICROS);
    let id = ActivityId::from_uuid(dice.uuid(occurred_at));
    let (_, action, outcome, who, details) = deed(dice.below(100_000));
    let staff = one_of(&people.staff, &mut dice);
    // A few do as much as a quarter of the others.
    let somebody = if dice.percent(20) { one_of(&people.staff, &mut dice) } else { one_of(&people.crowd, &mut dice) };
    let (actor, subject) = match who {
        Himself => (somebody, somebody),
        UnknownToSomebody => (None, somebody),
        StaffToSomebody => (staff, somebody),
        Staff => (staff, None),
        Unknown => (None, None),
    };
    let is_job = matches!(action, Did::KeyRotated | Did::MailFailed);
    ActivityEntry {
        id,
        occurred_at,
        actor,
        subject,
        action,
        outcome,
        ip: (!is_job).then(|| address(&mut dice)),
        user_agent: (!is_job).then(|| (*dice.pick(&USER_AGENTS)).to_owned()),
        request_id: if is_job { None } else { RequestId::parse(&dice.uuid(occurred_at).to_string()) },
        details: details(&mut dice),
    }
}

/// What is done that often: the first whose share the number lies within.
fn deed(number: u64) -> Deed {
    let [often, ..] = DEEDS;
    let mut below = 0;
    let is_within = |(share, ..): &Deed| {
        below += share;
        number < below
    };
    DEEDS.into_iter().find(is_within).unwrap_or(often)
}

fn one_of(people: &[UserId], dice: &mut Dice) -> Option<UserId> {
    // The first of them does more than the others.
    let bound = if dice.percent(10) { 1 } else { people.len().max(1) as u64 };
    people.get(usize::try_from(dice.below(bound)).unwrap_or_default()).copied()
}

fn address(dice: &mut Dice) -> IpAddr {
    if dice.percent(80) {
        let [a, b, c] = *dice.pick(&NETWORKS);
        let [host, ..] = dice.roll().to_be_bytes();
        Ipv4Addr::new(a, b, c, host).into()
    } else {
        // The network for documentation (RFC 3849).
        Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | u128::from(dice.roll())).into()
    }
}

fn nothing(_: &mut Dice) -> Details {
    Details::default()
}

fn session(dice: &mut Dice) -> Details {
    Details::default().with("session_id", dice.uuid(Timestamp::from_micros(BEGIN_MICROS)).to_string())
}

fn digest(dice: &mut Dice) -> Details {
    Details::default().with("identifier_digest", format!("{:016x}", dice.roll()))
}

fn fields(dice: &mut Dice) -> Details {
    Details::default().with("fields", vec![*dice.pick(&["full_name", "metadata", "username", "external_id"])])
}

fn route(dice: &mut Dice) -> Details {
    Details::default()
        .with("route", *dice.pick(&["GET /api/v1/users", "GET /api/v1/activity", "GET /api/v1/users/{id}"]))
}

fn roles(_: &mut Dice) -> Details {
    Details::default().with("old", vec!["user"]).with("new", Vec::<String>::new())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn people() -> People {
        let mut dice = Dice::new(Of::Crowd, 1);
        let mut people =
            |count| (0..count).map(|_| UserId::from_uuid(dice.uuid(Timestamp::from_micros(BEGIN_MICROS)))).collect();
        People { staff: people(10), crowd: people(400) }
    }

    #[test]
    fn entries_follow_each_other_and_are_the_same_each_time() {
        let people = people();
        let entries: Vec<_> = (1..=5_000).map(|number| entry(number, 5_000, &people)).collect();
        assert!(entries.is_sorted_by_key(|entry| entry.occurred_at));
        assert_eq!(entries, (1..=5_000).map(|number| entry(number, 5_000, &people)).collect::<Vec<_>>());
        assert_eq!(entries.iter().map(|entry| entry.id).collect::<BTreeSet<_>>().len(), 5_000);
        let end = BEGIN_MICROS + i64::try_from(YEAR_MICROS).unwrap();
        assert!(entries.iter().all(|entry| (BEGIN_MICROS..end).contains(&entry.occurred_at.as_micros())));
    }

    #[test]
    fn some_things_are_done_often_and_others_hardly_ever() {
        assert_eq!(DEEDS.iter().map(|(share, ..)| share).sum::<u64>(), 100_000);
        let people = people();
        let mut counts = BTreeMap::<_, u32>::new();
        for number in 1..=100_000 {
            *counts.entry(entry(number, 100_000, &people).action).or_default() += 1;
        }
        assert!((60_000..64_000).contains(&counts[&Did::AuthLogin]));
        assert!(counts[&Did::KeyRotated] < 20);
        assert!(!counts.contains_key(&Did::RoleDeleted) && counts.len() < Did::ALL.len());
    }

    #[test]
    fn nobody_is_named_where_nobody_is_there() {
        let nobody = People { staff: vec![], crowd: vec![] };
        assert!((1..=100).all(|number| entry(number, 100, &nobody).subject.is_none()));
    }
}
