mod account;
mod change;
mod create;
mod list;
mod password;
mod refusal;
mod roles;

use std::sync::Arc;

use usher_domain::{Actor, EmailAddress, Page, PageSize, StatusFilter, User, UserFilter, UserId, UserOrder, Username};
use usher_service::{Environment, PasswordHasher, Revocations, Throttle, UsersManager};
use usher_storage::SeaOrmBackend;

use self::refusal::refused;
use super::CommandError;
use crate::{
    cli::{ChangeRoles, Users},
    config::Config,
    database,
    start_error::StartError,
};

pub(super) async fn users(command: &Users, config: &Config) -> Result<(), CommandError> {
    match command {
        Users::Create(wanted) => {
            let password = password::read()?;
            with_manager(config, async |users| create::create(users, wanted, password).await).await
        }
        Users::SetPassword(wanted) => {
            let password = password::read()?;
            with_manager(config, async |users| change::set_password(users, wanted, password).await).await
        }
        Users::List(wanted) => with_manager(config, async |users| list::list(users, wanted).await).await,
        Users::Show(wanted) => with_manager(config, async |users| account::show(users, wanted).await).await,
        Users::Activate(wanted) => with_manager(config, async |users| change::activate(users, wanted).await).await,
        Users::Deactivate(wanted) => with_manager(config, async |users| change::deactivate(users, wanted).await).await,
        Users::Roles(wanted) => change_roles(config, wanted).await,
    }
}

pub(super) async fn change_roles(config: &Config, wanted: &ChangeRoles) -> Result<(), CommandError> {
    with_manager(config, async |users| roles::roles(users, wanted).await).await
}

async fn with_manager(
    config: &Config,
    work: impl AsyncFnOnce(&UsersManager) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let (backend, users) = open(config).await?;
    let done = work(&users).await;
    backend.close().await;
    done
}

/// The database, and the manager of its accounts.
pub(super) async fn open(config: &Config) -> Result<(Arc<SeaOrmBackend>, UsersManager), CommandError> {
    let backend = Arc::new(database::open(config).await?);
    let environment = Environment::system();
    let hasher = PasswordHasher::new(&config.passwords, &environment).map_err(StartError::Hashing)?;
    let (revocations, throttle) = (Revocations::in_process(&environment), Throttle::off(&environment));
    let users =
        UsersManager::new(backend.clone(), Arc::new(hasher), revocations, throttle, config.users.clone(), environment);
    Ok((backend, users))
}

/// The account that somebody means: by username, address or id, deleted ones included.
async fn find(users: &UsersManager, text: &str) -> Result<User, CommandError> {
    for filter in readings(text) {
        for status in [None, Some(StatusFilter::Deleted)] {
            let filter = UserFilter { status, ..filter.clone() };
            if let Some(user) = page(users, &filter, &UserOrder::default()).await?.items.into_iter().next() {
                return Ok(user);
            }
        }
    }
    let hint = "`usher users list --limit 0` lists all, `--status deleted` those that were deleted";
    Err(CommandError::Failed(format!("there is no account {text:?}: {hint}")))
}

/// What a text can mean. No username holds an @, but one may look like an id.
fn readings(text: &str) -> Vec<UserFilter> {
    let id = text.parse::<UserId>().ok().map(|id| UserFilter { ids: Some(vec![id]), ..UserFilter::default() });
    let username = Username::parse(text).ok();
    let username = username.map(|name| UserFilter { username: Some(name), ..UserFilter::default() });
    let email = EmailAddress::parse(text).ok();
    let email = email.map(|address| UserFilter { email: Some(address), ..UserFilter::default() });
    [id, username, email].into_iter().flatten().collect()
}

async fn page(
    users: &UsersManager,
    filter: &UserFilter,
    order: &UserOrder,
) -> Result<Page<User, UserOrder>, CommandError> {
    let list = users.list_users(&Actor::system(), filter, order, PageSize::MAX, false).await;
    Ok(list.map_err(|error| refused("the accounts cannot be read", &error))?.page)
}
