use usher_api::UserRead;
use usher_domain::{EmailAddress, FullName, User, UserFilter, UserOrder};
use usher_service::UsersManager;

use super::{CommandError, account, page};
use crate::{cli::ListUsers, commands::say_json_line, console};

/// Page by page, so that a million accounts need no more memory than a hundred.
pub(super) async fn list(users: &UsersManager, wanted: &ListUsers) -> Result<(), CommandError> {
    let filter = UserFilter { status: wanted.status, role: wanted.role.clone(), ..UserFilter::default() };
    let mut order = match &wanted.q {
        Some(prefix) => UserOrder::Matching { prefix: prefix.clone(), after: None },
        None => wanted.sort.clone(),
    };
    let mut table = Table::default();
    let mut left = if wanted.limit == 0 { usize::MAX } else { wanted.limit };
    loop {
        let page = page(users, &filter, &order).await?;
        let more_here = page.items.len() > left;
        let items: Vec<_> = page.items.iter().take(left).collect();
        if wanted.json {
            items.iter().try_for_each(|user| say_json_line(&UserRead::from(*user)))?;
        } else {
            table.say(&items);
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

/// Columns that are as wide as what was in them so far.
struct Table {
    widths: [usize; COLUMNS],
    begun: bool,
}

/// All but the last, which is of no width: a full name may be in any script.
const COLUMNS: usize = 6;

impl Default for Table {
    fn default() -> Self {
        Self { widths: [0; COLUMNS], begun: false }
    }
}

impl Table {
    fn say(&mut self, users: &[&User]) {
        const HEAD: [&str; COLUMNS] = ["USERNAME", "STATUS", "ROLES", "E-MAIL", "CREATED", "ID"];
        let rows: Vec<_> = users.iter().map(|user| cells(user)).collect();
        let begins = !self.begun && !rows.is_empty();
        let head = begins.then(|| (HEAD.map(str::to_owned), "FULL NAME"));
        let rows: Vec<_> = head.into_iter().chain(rows).collect();
        for (cells, _) in &rows {
            for (width, cell) in self.widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.len());
            }
        }
        for (cells, name) in rows {
            let cells = self.widths.iter().zip(&cells).map(|(width, cell)| format!("{cell:<width$}  "));
            console::say(format!("{}{name}", cells.collect::<String>()).trim_end());
        }
        self.begun |= begins;
    }
}

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
