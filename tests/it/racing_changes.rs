//! Roles and accounts that go while others change them, or give them away.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::task::JoinHandle;
use usher_domain::{
    Action, ActivityEntry, ActivityFilter, Actor, FaultCode, PageSize, Role, RoleName, User, UserId, UserScope,
};
use usher_service::{RolePatch, RoleUse, RolesError, UserPatch, UsersError};
use usher_storage::{ActivityQueries, RoleQueries, UserQueries, contract::TestDatabase};

use crate::managers::{Managers, ROUNDS, Start, draft, owned};

/// What must be nowhere, by the references of the schema.
const STRAYS: &str = "SELECT role_name FROM user_roles
    WHERE role_name NOT IN (SELECT name FROM roles) OR user_id NOT IN (SELECT id FROM users)";

/// One round: a role, somebody who holds it and somebody who does not, and all that happens to them at once.
struct Round {
    managers: Managers,
    role: RoleName,
    holder: UserId,
    other: UserId,
    newcomer: String,
    log: Vec<ActivityEntry>,
}

impl Round {
    async fn run(managers: &Managers, round: usize) -> Self {
        let role = managers.role(&format!("role{round}"), &["texts:edit"]).await;
        let holder = managers.user(&format!("holder{round}"), &[role.as_str(), "user"]).await.id;
        let other = managers.user(&format!("other{round}"), &["user"]).await.id;
        let newcomer = format!("newcomer{round}");
        let mut this = Self { managers: managers.clone(), role, holder, other, newcomer, log: Vec::new() };
        this.race(round).await;
        this
    }

    async fn race(&mut self, round: usize) {
        let force = round.is_multiple_of(2);
        let purges = (round / 2).is_multiple_of(2);
        let start = Start::of(8);
        let from = Some(self.managers.environment.clock.now());

        let deletion = self.of_role(&start, async move |managers, role| {
            managers.roles.delete(&Actor::system(), &role, force, None).await
        });
        let edit = self.of_role(&start, async move |managers, role| {
            let patch = RolePatch { permissions: Some(owned(&["texts:read"])), ..RolePatch::default() };
            managers.roles.update(&Actor::system(), &role, &patch, None).await
        });
        let newcomer = self.newcomer.clone();
        let creation = self.of_role(&start, async move |managers, role| {
            managers.users.create_user(&Actor::system(), draft(&newcomer, &[role.as_str()])).await
        });
        let grant = self.of_user(&start, self.other, async move |managers, role, id| {
            managers.users.set_roles(&Actor::system(), id, &owned(&[role.as_str(), "user"]), None).await
        });
        let removal = self.of_user(&start, self.holder, async move |managers, _, id| match purges {
            true => managers.users.purge_user(&Actor::system(), id, None).await,
            false => managers.users.delete_user(&Actor::system(), id, None).await.map(drop),
        });
        let withdrawal = self.of_user(&start, self.holder, async move |managers, _, id| {
            managers.users.set_roles(&Actor::system(), id, &owned(&["user"]), None).await
        });
        let [first_update, second_update] = ["Ada", "Eve"].map(|name| {
            self.of_user(&start, self.holder, async move |managers, _, id| {
                let patch = UserPatch { full_name: Some(Some(name.to_owned())), ..UserPatch::default() };
                managers.users.update_user(&Actor::system(), id, patch, None).await
            })
        });

        let deleted = match deletion.await.unwrap() {
            Ok(()) => true,
            Err(RolesError::InUse(RoleUse::Held)) if !force => false,
            Err(error) => panic!("round {round}: {error:?}"),
        };
        let edited = match edit.await.unwrap() {
            Ok(edited) => {
                assert_eq!(edited.version, 2, "round {round}");
                true
            }
            Err(RolesError::NotFound) if deleted => false,
            Err(error) => panic!("round {round}: {error:?}"),
        };
        let created = was_given(creation.await.unwrap(), deleted);
        let granted = was_given(grant.await.unwrap(), deleted);
        removal.await.unwrap().unwrap();
        let mut updated = 0;
        for update in [first_update, second_update] {
            updated += usize::from(was_there(update.await.unwrap()));
        }
        was_there(withdrawal.await.unwrap());

        let filter = ActivityFilter { from, ..ActivityFilter::default() };
        self.log = self.managers.backend.activity_latest(&filter, PageSize::MAX).await.unwrap();
        let count = |action| self.log.iter().filter(|entry| entry.action == action).count();
        assert_eq!(count(Action::RoleDeleted), usize::from(deleted), "round {round}");
        assert_eq!(count(Action::RoleUpdated), usize::from(edited), "round {round}");
        assert_eq!(count(Action::UserCreated), usize::from(created), "round {round}");
        assert_eq!(count(Action::UserUpdated), updated, "round {round}");
        assert_eq!(count(Action::UserPurged), usize::from(purges), "round {round}");
        assert_eq!(count(Action::UserDeleted), usize::from(!purges), "round {round}");
        let others_changes = self.about(self.other, Action::UserRolesChanged);
        assert_eq!(
            others_changes,
            usize::from(granted) * (1 + usize::from(deleted)),
            "round {round}: given, and taken"
        );

        let role = self.managers.backend.role_by_name(&self.role).await.unwrap();
        assert_eq!(role.map(|role: Role| role.version), (!deleted).then_some(1 + i64::from(edited)), "round {round}");
        let holder = self.account_is_what_its_entries_tell(self.holder).await;
        assert_eq!(holder.is_none(), purges, "round {round}");
        if let Some(holder) = holder {
            let lost = !holder.roles.contains(&self.role);
            assert_eq!(self.about(self.holder, Action::UserRolesChanged), usize::from(lost), "round {round}: once");
            assert!(lost || !deleted, "round {round}");
        }
        let other = self.account_is_what_its_entries_tell(self.other).await.unwrap();
        assert_eq!(other.roles.contains(&self.role), granted && !deleted, "round {round}");
        let made =
            self.managers.backend.user_by_username(&self.newcomer.parse().unwrap(), UserScope::WithDeleted).await;
        let made = made.unwrap().map(|account| account.user.id);
        assert_eq!(made.is_some(), created, "round {round}");
        if let Some(made) = made {
            let made = self.account_is_what_its_entries_tell(made).await.unwrap();
            assert_eq!(made.roles.is_empty(), deleted, "round {round}");
        }
    }

    fn about(&self, subject: UserId, action: Action) -> usize {
        self.log.iter().filter(|entry| entry.subject == Some(subject) && entry.action == action).count()
    }

    /// The account, if it is there: its version and its epoch rose by exactly what was written down.
    async fn account_is_what_its_entries_tell(&self, id: UserId) -> Option<User> {
        let account = self.managers.backend.user_by_id(id, UserScope::WithDeleted).await.unwrap()?;
        let roles_changed = self.about(id, Action::UserRolesChanged);
        let deleted = self.about(id, Action::UserDeleted);
        let updated = self.about(id, Action::UserUpdated);
        let (version, epoch) = (account.user.version - 1, account.token_epoch);
        assert_eq!(version, i64::try_from(roles_changed + deleted + updated).unwrap(), "{:#?}", self.log);
        assert_eq!(epoch, i64::try_from(roles_changed + deleted).unwrap(), "{:#?}", self.log);
        Some(account.user)
    }

    fn of_role<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        start: &Start,
        contender: impl FnOnce(Managers, RoleName) -> F,
    ) -> JoinHandle<T> {
        start.race(contender(self.managers.clone(), self.role.clone()))
    }

    fn of_user<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        start: &Start,
        user: UserId,
        contender: impl FnOnce(Managers, RoleName, UserId) -> F,
    ) -> JoinHandle<T> {
        start.race(contender(self.managers.clone(), self.role.clone(), user))
    }
}

/// Whether the role was given: it is not where it had gone before.
fn was_given(answer: Result<User, UsersError>, gone: bool) -> bool {
    match answer {
        Ok(_) => true,
        Err(UsersError::Invalid(error)) if gone => {
            let faults: Vec<_> = error.faults().iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
            assert_eq!(faults, [("roles.0", FaultCode::UnknownValue)]);
            false
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// Whether the account was still there to be changed.
fn was_there(answer: Result<User, UsersError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(UsersError::NotFound | UsersError::WrongStatus("deleted")) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn column(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn race(database: TestDatabase) {
    let managers = Managers::on(&database).await;
    managers.user("root", &["admin"]).await;
    let connection = Database::connect(database.url()).await.unwrap();
    for round in 0..ROUNDS {
        Round::run(&managers, round).await;
        assert_eq!(column(&connection, STRAYS).await, [""; 0], "round {round}");
        let administrators = "SELECT role_name FROM user_roles WHERE role_name = 'admin'";
        assert_eq!(column(&connection, administrators).await.len(), 1, "round {round}");
    }
    managers.backend.close().await;
    if connection.get_database_backend() == DbBackend::Postgres {
        let rings = "SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(column(&connection, rings).await, ["0"], "everybody locks in the same order");
    }
    connection.close().await.unwrap();
}

/// Proves: AZ-06, ID-10
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_goes_while_it_is_changed_leaves_nothing_half_done_on_sqlite() {
    race(TestDatabase::sqlite()).await;
}

/// Proves: AZ-06, ID-10
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_goes_while_it_is_changed_leaves_nothing_half_done_on_postgres() {
    if let Some(database) = TestDatabase::postgres().await {
        race(database).await;
    }
}
