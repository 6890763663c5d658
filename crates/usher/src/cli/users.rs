use clap::{Args, Subcommand};
use usher_domain::{Direction, RoleName, SearchPrefix, StatusFilter, UserOrder};

const USER: &str = "USER is a username, an e-mail address or an id.";

/// Accounts.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Make an account. The password is asked for, or read as one line from standard input
    #[command(after_help = "Examples:\n  usher users create ada --email ada@example.org\n  \
                            usher users create root --role admin < password.txt")]
    Create(CreateUser),
    /// List accounts
    #[command(
        after_help = "Examples:\n  usher users list --q ada\n  usher users list --role admin --sort username\n  \
                            usher users list --limit 0 --json > users.ndjson"
    )]
    List(ListUsers),
    /// Show an account
    #[command(after_help = USER)]
    Show(ShowUser),
    /// Set the password of an account, which must then be changed at the next login. It is asked for,
    /// or read as one line from standard input; all sessions of the account end
    #[command(after_help = format!("{USER}\n\nExamples:\n  usher users set-password ada\n  \
                                    usher users set-password ada@example.org < password.txt"))]
    SetPassword(ShowUser),
    /// Open an account that was shut. Its old sessions stay dead
    #[command(after_help = USER)]
    Activate(SetStatus),
    /// Shut an account, reversibly: its sessions end, its names stay taken
    #[command(after_help = USER)]
    Deactivate(SetStatus),
    /// Show the roles of an account, or change them
    #[command(after_help = format!("{USER} A change is in force within a second.\n\nExamples:\n  \
                                    usher users roles ada                show them, one a line\n  \
                                    usher users roles ada --add admin    give one more\n  \
                                    usher users roles ada --set user     these and no others\n  \
                                    usher users roles ada --set ''       take all of them"))]
    Roles(ChangeRoles),
}

/// An account to be made.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// The name to sign in with
    pub username: String,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Take the address for proven
    #[arg(long, requires = "email")]
    pub email_verified: bool,
    /// What the person is called
    #[arg(long, value_name = "NAME")]
    pub full_name: Option<String>,
    /// A role; may be given several times. Without it: registration.default_roles
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The password need not be changed at the first login
    #[arg(long)]
    pub no_must_change_password: bool,
    /// Print the account as JSON
    #[arg(long)]
    pub json: bool,
}

/// Accounts to be listed.
#[derive(Debug, Args)]
pub struct ListUsers {
    /// Those whose username, address or full name begins so; two characters or more
    #[arg(long, value_name = "PREFIX", value_parser = SearchPrefix::parse)]
    pub q: Option<SearchPrefix>,
    /// Those of this status: active, deactivated or deleted. Without it: all but deleted ones
    #[arg(long)]
    pub status: Option<StatusFilter>,
    /// Those who hold this role
    #[arg(long, value_parser = RoleName::parse)]
    pub role: Option<RoleName>,
    /// The order: created_at, username, or either with - before it for descending
    #[arg(long, value_name = "ORDER", default_value = "-created_at", conflicts_with = "q", allow_hyphen_values = true)]
    #[arg(value_parser = order)]
    pub sort: UserOrder,
    /// How many at most; 0: all of them
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// As JSON, one account a line
    #[arg(long)]
    pub json: bool,
}

fn order(text: &str) -> Result<UserOrder, &'static str> {
    let (field, direction) = match text.strip_prefix('-') {
        Some(field) => (field, Direction::Descending),
        None => (text, Direction::Ascending),
    };
    match field {
        "created_at" => Ok(UserOrder::CreatedAt { direction, after: None }),
        "username" => Ok(UserOrder::Username { direction, after: None }),
        _ => Err("must be one of: created_at -created_at username -username"),
    }
}

/// Which account.
#[derive(Debug, Args)]
pub struct ShowUser {
    /// Which account
    pub user: String,
    /// Print the account as JSON
    #[arg(long)]
    pub json: bool,
}

/// An account to be shut or opened.
#[derive(Debug, Args)]
pub struct SetStatus {
    /// Which account
    pub user: String,
    /// Why, for the activity log; up to 500 characters
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Print the account as JSON
    #[arg(long)]
    pub json: bool,
}

/// Roles to be shown or changed.
#[derive(Debug, Default, Args)]
pub struct ChangeRoles {
    /// Which account
    pub user: String,
    /// Give it these roles and no others, separated by commas
    #[arg(long, value_name = "ROLES", value_delimiter = ',', conflicts_with_all = ["add", "remove"])]
    pub set: Option<Vec<String>>,
    /// Give it this role as well; may be given several times
    #[arg(long, value_name = "ROLE")]
    pub add: Vec<String>,
    /// Take this role away; may be given several times
    #[arg(long, value_name = "ROLE")]
    pub remove: Vec<String>,
    /// Print the account as JSON
    #[arg(long)]
    pub json: bool,
}
