//! People who do not exist. Who has number i depends on i alone; when the account was made, and with
//! that its id, depends on how many there are to be as well.

use serde_json::json;
use usher_domain::{
    ActivityId, EmailAddress, ExternalId, Fault, FullName, Metadata, NewUser, RoleName, UserId, Username,
};

use super::{
    dice::{Dice, Of},
    names::{CULTURES, Culture, Name, Order},
};

/// 1 November 2024. Accounts are made in the two years after it.
const BEGIN_MICROS: i64 = 1_730_419_200_000_000;
const TWO_YEARS_MICROS: u64 = 730 * 24 * 60 * 60 * 1_000_000;

/// Of domains that belong to nobody (RFC 2606, 3).
const MAIL_DOMAINS: [&str; 4] = ["example.com", "example.org", "example.net", "mail.example.com"];
const PLANS: [&str; 4] = ["free", "free", "team", "business"];
const LOCALES: [&str; 6] = ["en-GB", "de-DE", "hi-IN", "ja-JP", "uk-UA", "ar-EG"];

/// An account to be made.
pub(super) struct Person {
    /// All of it but the password.
    pub(super) user: NewUser,
    /// What has become of it.
    pub(super) fate: Fate,
    /// For the entries that tell of it.
    pub(super) entries: [ActivityId; 2],
}

/// What has become of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It can be used.
    Active,
    /// It was shut.
    Deactivated,
    /// It was deleted softly.
    Deleted,
}

/// The username of the account with this number.
pub(super) fn username(number: u32) -> Result<Username, Fault> {
    Username::parse(&Names::draw(&mut Dice::new(Of::Person, number)).username(number))
}

/// The account with this number, of so many.
pub(super) fn person(number: u32, of: u32) -> Result<Person, Fault> {
    let mut dice = Dice::new(Of::Person, number);
    let names = Names::draw(&mut dice);
    let username = names.username(number);
    let email = if dice.percent(85) { Some(format!("{username}@{}", dice.pick(&MAIL_DOMAINS))) } else { None };
    let verified = email.is_some() && dice.percent(80);
    let full_name = dice.percent(90).then(|| names.full_name());
    let external_id = dice.percent(30).then(|| format!("hr-{number:08}"));
    let metadata = if dice.percent(40) {
        json!({"plan": dice.pick(&PLANS), "locale": dice.pick(&LOCALES), "newsletter": dice.percent(50)})
    } else {
        json!({})
    };
    let fate = match dice.below(100) {
        0 | 1 => Fate::Deactivated,
        2 => Fate::Deleted,
        _ => Fate::Active,
    };
    let created_at = dice.moment(number, of, BEGIN_MICROS, TWO_YEARS_MICROS);
    let id = UserId::from_uuid(dice.uuid(created_at));
    let entries = [(); 2].map(|()| ActivityId::from_uuid(dice.uuid(created_at)));
    let user = NewUser {
        id,
        username: Username::parse(&username)?,
        email: email.as_deref().map(EmailAddress::parse).transpose()?,
        email_verified_at: verified.then_some(created_at),
        full_name: full_name.as_deref().map(FullName::parse).transpose()?,
        external_id: external_id.as_deref().map(ExternalId::parse).transpose()?,
        metadata: Metadata::parse(metadata)?,
        password_hash: None,
        roles: vec![RoleName::USER],
        must_change_password: false,
        created_at,
    };
    Ok(Person { user, fate, entries })
}

/// What somebody is called.
struct Names {
    given: Name,
    family: Name,
    order: Order,
    form: u64,
}

impl Names {
    fn draw(dice: &mut Dice) -> Self {
        let Culture { given, family, order } = dice.pick(&CULTURES);
        Self { given: *dice.pick(given), family: *dice.pick(family), order: *order, form: dice.below(4) }
    }

    /// No name holds a digit, so that the number makes it unique.
    fn username(&self, number: u32) -> String {
        let ((given, _), (family, _)) = (self.given, self.family);
        match self.form {
            0 => format!("{given}{number}"),
            1 => format!("{given}_{family}{number}"),
            2 => format!("{family}-{number}"),
            _ => format!("{given}.{family}{number}"),
        }
    }

    fn full_name(&self) -> String {
        let ((_, given), (_, family)) = (self.given, self.family);
        match self.order {
            Order::GivenFirst => format!("{given} {family}"),
            Order::FamilyFirst => format!("{family}{given}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_is_well_formed_and_the_same_each_time() {
        let mut seen = BTreeSet::new();
        for number in 1..=5_000 {
            let Person { user, fate, entries } = person(number, 5_000).unwrap();
            assert_eq!(user.username, username(number).unwrap());
            let again = person(number, 5_000).unwrap();
            assert_eq!((user.id, fate, entries), (again.user.id, again.fate, again.entries));
            assert!(seen.insert(user.id.to_string()) && seen.insert(user.username.key()), "{}", user.username);
        }
    }

    #[test]
    fn everybody_is_different() {
        let people: Vec<_> = (1..=5_000).map(|number| person(number, 5_000).unwrap()).collect();
        let share = |of: fn(&Person) -> bool| people.iter().filter(|person| of(person)).count();
        assert!((4_100..4_400).contains(&share(|it| it.user.email.is_some())));
        assert!((3_200..3_600).contains(&share(|it| it.user.email_verified_at.is_some())));
        assert!((1_350..1_650).contains(&share(|it| it.user.external_id.is_some())));
        assert!((1_850..2_150).contains(&share(|it| !it.user.metadata.fields().is_empty())));
        assert!((60..140).contains(&share(|it| it.fate == Fate::Deactivated)));
        assert!((25..80).contains(&share(|it| it.fate == Fate::Deleted)));
        assert!(share(|it| it.user.full_name.as_ref().is_some_and(|name| !name.as_str().is_ascii())) > 2_500);
        assert!(people.is_sorted_by_key(|it| it.user.created_at), "they come one after the other");
        let (first, last) = (people[0].user.created_at, people[4_999].user.created_at);
        assert!(last.since(first).as_secs() > 720 * 24 * 60 * 60);
    }

    /// Whoever adds a name can get it wrong.
    #[test]
    fn every_name_is_one() {
        for Culture { given, family, order } in &CULTURES {
            for given in given {
                for family in family {
                    let names = Names { given: *given, family: *family, order: *order, form: 0 };
                    FullName::parse(&names.full_name()).unwrap();
                    for name in [given.0, family.0] {
                        assert!(name.bytes().all(|b| b.is_ascii_lowercase()), "{name}");
                    }
                }
            }
        }
    }
}
