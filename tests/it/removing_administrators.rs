use serde_json::json;
use usher_tests::{Answer, Client, PASSWORD, TestApp, on_each_engine};

/// How often two administrators go for each other.
const ROUNDS: usize = 25;

#[derive(Debug, Clone, Copy)]
enum Removal {
    Demotion,
    Deactivation,
    Deletion,
    Purge,
}

const REMOVALS: [Removal; 4] = [Removal::Demotion, Removal::Deactivation, Removal::Deletion, Removal::Purge];

async fn remove(client: &Client<'_>, id: &str, removal: Removal) -> Answer {
    let path = format!("/users/{id}");
    match removal {
        Removal::Demotion => client.put(&format!("{path}/roles"), &json!({"roles": ["user"]})).await,
        Removal::Deactivation => client.post_nothing(&format!("{path}/deactivate")).await,
        Removal::Deletion => client.delete(&path).await,
        Removal::Purge => client.delete(&format!("{path}?permanent=true")).await,
    }
}

async fn id_of(client: &Client<'_>) -> String {
    client.get("/users/me").await.data()["id"].as_str().unwrap().to_owned()
}

async fn active_administrators(client: &Client<'_>) -> usize {
    let list = client.get("/users?role=admin&status=active").await;
    list.data()["items"].as_array().unwrap().len()
}

on_each_engine! {
    /// Proves: AZ-04
    async fn of_two_administrators_who_remove_each_other_at_once_one_stays(app: TestApp) {
        let mut survivor = app.admin().await;
        let mut stopped_by_the_rule = 0;
        for round in 0..ROUNDS {
            let (one_way, other_way) = (REMOVALS[round % 4], REMOVALS[round / 4 % 4]);
            let name = format!("admin{round}");
            let other_id = survivor.create_admin(&name).await;
            let other = app.sign_in(&name, PASSWORD).await;
            let own_id = id_of(&survivor).await;
            assert_eq!(active_administrators(&survivor).await, 2);

            let (first, second) =
                tokio::join!(remove(&survivor, &other_id, one_way), remove(&other, &own_id, other_way));
            let statuses = [first.status, second.status];
            let what = format!("{one_way:?} and {other_way:?}: {first:?} {second:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{what}");
            let refused = if first.status == 200 { &second } else { &first };
            match (refused.status, refused.code()) {
                (409, "LAST_ADMIN") => stopped_by_the_rule += 1,
                // The other was faster by so much that he was none any more.
                (401, "UNAUTHENTICATED") | (403, "FORBIDDEN") => {}
                other => panic!("{other:?}: {what}"),
            }
            survivor = if first.status == 200 { survivor } else { other };
            assert_eq!(active_administrators(&survivor).await, 1, "{what}");
        }
        assert!(stopped_by_the_rule > 0, "the two were never there at once");
    }

    /// Proves: AZ-04
    async fn many_who_remove_each_other_at_once_leave_at_least_one(app: TestApp) {
        let first = app.admin().await;
        let mut clients = Vec::new();
        for i in 0..6 {
            let name = format!("admin{i}");
            let id = first.create_admin(&name).await;
            clients.push((id, app.sign_in(&name, PASSWORD).await));
        }
        let first_id = id_of(&first).await;
        clients.push((first_id, first));
        let attempts = clients.iter().enumerate().flat_map(|(i, (_, client))| {
            let others = clients.iter().enumerate().filter(move |(j, _)| *j != i);
            others.map(move |(j, (id, _))| remove(client, id, REMOVALS[(i + j) % 3]))
        });
        let answers = futures_util::future::join_all(attempts).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 401 | 403 | 404 | 409)), "{answers:?}");
        let left = app
            .column(
                "SELECT u.username FROM users u JOIN user_roles r ON r.user_id = u.id WHERE r.role_name = 'admin'
                 AND u.deactivated_at IS NULL AND u.deleted_at IS NULL",
            )
            .await;
        assert!(!left.is_empty());
    }

    /// Proves: AZ-04
    async fn nobody_removes_himself(app: TestApp) {
        let admin = app.admin().await;
        admin.create_admin("second").await;
        let own_id = id_of(&admin).await;
        for removal in REMOVALS {
            let refused = remove(&admin, &own_id, removal).await;
            assert_eq!((refused.status, refused.code()), (409, "CANNOT_TARGET_SELF"), "{removal:?}");
        }
        assert_eq!(active_administrators(&admin).await, 2);
    }
}
