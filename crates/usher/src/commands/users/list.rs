use usher_api::UserRead;
use usher_domain::{EmailAddress, FullName, User, UserFilter, UserOrder};
use usher_service::UsersManager;

use super::{CommandError, account, page};
use crate::{
    cli::ListUsers,
    commands::say_json_line,
    console::{self, Table},
};

/// Page by page, so that a million accounts need no more memory than a hundred.
pub(super) async fn list(users: &UsersManager, wanted: &ListUsers) -> Result<(), CommandError> {
    let filter = UserFilter { status: wanted.status, role: wanted.role.clone(), ..UserFilter::default() };
    let mut order = match &wanted.q {
        Some(prefix) => UserOrder::Matching { prefix: prefix.clone(), after: None },
        None => wanted.sort.clone(),
    };
    let mut table = Table::new(HEAD, "FULL NAME");
    let mut left = if wanted.limit == 0 { usize::MAX } else { wanted.limit };
    loop {
        let page = page(users, &filter, &order).await?;
        let more_here = page.items.len() > left;
        let items: Vec<_> = page.items.iter().take(left).collect();
        if wanted.json {
            items.iter().try_for_each(|user| say_json_line(&UserRead::from(*user)))?;
        } else {
            table.say(items.iter().map(|user| cells(user)).collect());
        }
        left -= items.len();
        match page.next {
            Some(next) if left > 0 => order = next,
            next => {
                if more_here || next.is_some() {
                    console::complain(&format!("there are more than {}: --limit 0 lists all", wanted.limit));
                }
                return Ok(());
            }
        }
    }
}

/// The columns of which the width is known: a full name may be in any script.
const COLUMNS: usize = 6;

const HEAD: [&str; COLUMNS] = ["USERNAME", "STATUS", "ROLES", "E-MAIL", "CREATED", "ID"];

fn cells(user: &User) -> ([String; COLUMNS], &str) {
    let day = user.created_at.to_string().chars().take("2030-01-01".len()).collect();
    let email = user.email.as_ref().map_or("-", EmailAddress::as_str);
    let cells = [
        user.username.to_string(),
        user.status.as_str().to_owned(),
        account::roles(user),
        email.to_owned(),
        day,
        user.id.to_string(),
    ];
    (cells, user.full_name.as_ref().map_or("", FullName::as_str))
}
