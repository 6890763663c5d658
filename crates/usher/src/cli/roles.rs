use clap::{Args, Subcommand};
use usher_domain::RoleName;

const USER: &str = "USER is a username, an e-mail address or an id. The change is in force within a second.";

/// Roles.
#[derive(Debug, Subcommand)]
pub enum Roles {
    /// List roles, and what they grant
    List {
        /// As JSON, one role a line
        #[arg(long)]
        json: bool,
    },
    /// Make a role
    #[command(after_help = "Example:\n  usher roles create support --description 'Answers questions' \
                            --permission users:read --permission tickets:answer")]
    Create(CreateRole),
    /// Change what a role grants, or what is said of it
    #[command(after_help = "The change is in force within a second, and in access tokens when they are renewed.\n\n\
                            Examples:\n  usher roles update support --add users:write --remove tickets:answer\n  \
                            usher roles update support --description 'Answers questions'")]
    Update(UpdateRole),
    /// Delete a role that nobody holds
    Delete(DeleteRole),
    /// Give somebody a role
    #[command(after_help = USER)]
    Grant(MoveRole),
    /// Take a role from somebody
    #[command(after_help = USER)]
    Revoke(MoveRole),
}

/// A role to be made.
#[derive(Debug, Args)]
pub struct CreateRole {
    /// Its name, which never changes: a lower-case letter, then letters, digits, _ or -
    pub name: String,
    /// What it is for, in one line
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub description: String,
    /// What it grants, such as users:read, or anything of the form area:verb for other services; may be given
    /// several times
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// Print the role as JSON
    #[arg(long)]
    pub json: bool,
}

/// A role to be changed.
#[derive(Debug, Args)]
pub struct UpdateRole {
    /// Which role
    #[arg(value_parser = RoleName::parse)]
    pub name: RoleName,
    /// What it is for, in one line
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["add", "remove"])]
    pub description: Option<String>,
    /// Let it grant this permission as well; may be given several times
    #[arg(long, value_name = "PERMISSION")]
    pub add: Vec<String>,
    /// Let it grant this permission no more; may be given several times
    #[arg(long, value_name = "PERMISSION")]
    pub remove: Vec<String>,
    /// Print the role as JSON
    #[arg(long)]
    pub json: bool,
}

/// A role to be deleted.
#[derive(Debug, Args)]
pub struct DeleteRole {
    /// Which role
    #[arg(value_parser = RoleName::parse)]
    pub name: RoleName,
    /// Take it from everybody who holds it, 10,000 accounts at most
    #[arg(long)]
    pub force: bool,
}

/// Which role, and whose.
#[derive(Debug, Args)]
pub struct MoveRole {
    /// Which role
    pub role: String,
    /// Which account
    pub user: String,
    /// Print the account as JSON
    #[arg(long)]
    pub json: bool,
}
