//! Mails that bring no token: that something was done to an account.

use std::time::Duration;

use usher_domain::{Actor, ClientInfo, MailKind, PlainToken};
use usher_service::{AuthError, ChangePassword, Stationery, TemplateOverride, Templates, UserPatch};

use crate::{
    fixture::{PASSWORD, password},
    post::{ADA, NEW_PASSWORD, Post, stationery},
};

/// A world where notices are written in German too.
async fn bilingual() -> Post {
    let notices = ["password_changed", "email_changed", "email_change_requested", "refresh_reused"];
    let german = |name: &str| {
        let form = |form: &str, source: &str| TemplateOverride {
            locale: Some("de".to_owned()),
            name: format!("{name}.{form}"),
            source: source.to_owned(),
        };
        [form("txt", "Subject: Nachricht\nHallo {{ username }}!\n"), form("html", "<p>Hallo {{ username }}!</p>")]
    };
    let overrides: Vec<_> = notices.into_iter().flat_map(german).collect();
    Post::written(Stationery { templates: Templates::with_overrides(&overrides).unwrap(), ..stationery() }).await
}

fn client(languages: &str) -> ClientInfo {
    ClientInfo::new(Some("192.0.2.7".parse().unwrap()), None, None).accepting(Some(languages))
}

/// Signs in from a client that asks for these languages.
async fn actor(post: &Post, name: &str, languages: &str) -> Actor {
    let login = post.login(name).await;
    post.auth.authenticate(login.access.token.expose(), client(languages)).await.unwrap()
}

/// That exactly this notice came, in this language, with nothing in it that is secret.
async fn expect(post: &Post, to: &str, kind: MailKind, in_german: bool) {
    post.deliver().await;
    let mails = post.mailer.arrived.mails();
    let notices: Vec<_> = mails.iter().filter(|mail| mail.kind == kind).collect();
    let [notice] = &notices[..] else { panic!("{kind}: {notices:?}") };
    assert_eq!(notice.to.as_str(), to, "{kind}");
    assert_eq!(notice.text.starts_with("Hallo ada!"), in_german, "{kind}: {}", notice.text);
    assert_eq!(notice.html.starts_with("<p>Hallo ada!</p>"), in_german, "{kind}");
    assert!(notice.text.contains("ada") && !notice.text.contains("token"), "{kind}");
    assert!(!notice.text.contains(PASSWORD) && !notice.text.contains(NEW_PASSWORD), "{kind}");
}

#[tokio::test]
async fn whoever_changes_his_password_is_told() {
    for (languages, in_german) in [("de-AT, en;q=0.5", true), ("fr, en", false), ("", false)] {
        let post = bilingual().await;
        post.ada().await;
        let ada = actor(&post, "ada", languages).await;
        let wish = |current: &str, new: &str| ChangePassword {
            current_password: password(current),
            new_password: password(new),
        };
        post.users.change_password(&ada, wish("Not-it-7-times", NEW_PASSWORD)).await.unwrap_err();
        post.users.change_password(&ada, wish(PASSWORD, NEW_PASSWORD)).await.unwrap();
        expect(&post, ADA, MailKind::PasswordChanged, in_german).await;
        assert_eq!(post.arrived().await.len(), 1);
    }
}

#[tokio::test]
async fn whose_password_is_set_by_an_administrator_is_told() {
    let post = bilingual().await;
    let ada = post.ada().await;
    post.root().await;
    let root = actor(&post, "root", "de").await;
    post.users.set_password(&root, ada.id, password(NEW_PASSWORD)).await.unwrap();
    expect(&post, ADA, MailKind::PasswordChanged, true).await;
    let bob = post.user("bob").await;
    post.users.set_password(&root, bob.id, password(NEW_PASSWORD)).await.unwrap();
    assert_eq!(post.arrived().await.len(), 1, "and who has no address is not");
}

/// Proves: AZ-07
#[tokio::test]
async fn the_old_address_is_told_when_an_administrator_changes_it() {
    for new in [Some("new@example.org".to_owned()), None] {
        let post = bilingual().await;
        let ada = post.ada().await;
        post.root().await;
        let root = actor(&post, "root", "en-GB").await;
        let patch = UserPatch { email: Some(new), ..UserPatch::default() };
        post.users.update_user(&root, ada.id, patch.clone(), None).await.unwrap();
        post.users.update_user(&root, ada.id, patch, None).await.unwrap();
        expect(&post, ADA, MailKind::EmailChanged, false).await;
        let named = UserPatch { full_name: Some(Some("Ada".to_owned())), ..UserPatch::default() };
        post.users.update_user(&root, ada.id, named, None).await.unwrap();
        assert_eq!(post.arrived().await.len(), 1);
    }
}

/// Proves: AZ-07
#[tokio::test]
async fn the_old_address_is_told_twice_when_its_owner_changes_it() {
    let post = bilingual().await;
    post.ada().await;
    let ada = actor(&post, "ada", "de").await;
    let token = post.change_token(&ada, "new@example.org").await;
    post.mailbox.verify_email(&token, None, &client("en")).await.unwrap();
    expect(&post, ADA, MailKind::EmailChangeRequested, true).await;
    expect(&post, ADA, MailKind::EmailChanged, false).await;
}

/// Proves: RS-11
#[tokio::test]
async fn whose_password_is_reset_is_told() {
    let post = bilingual().await;
    post.ada().await;
    let token = post.reset_token(ADA).await;
    post.mailbox.reset_password(&token, password(NEW_PASSWORD), &client("de")).await.unwrap();
    expect(&post, ADA, MailKind::PasswordChanged, true).await;
}

#[tokio::test]
async fn whose_refresh_token_is_used_twice_is_told_once() {
    let post = bilingual().await;
    let ada = post.ada().await;
    let login = post.login("ada").await;
    post.refresh(&login).await.unwrap();
    assert_eq!(post.arrived().await, []);
    post.clock.advance(Duration::from_secs(60));
    let reuse = async |token: &PlainToken| post.auth.refresh(token, &client("de")).await;
    assert!(matches!(reuse(&login.refresh.token).await, Err(AuthError::RefreshTokenReused)));
    for _ in 0..3 {
        reuse(&login.refresh.token).await.unwrap_err();
    }
    expect(&post, ADA, MailKind::RefreshReused, true).await;
    assert!(post.queue().await.is_empty());

    let other = post.login("ada").await;
    post.refresh(&other).await.unwrap();
    post.clock.advance(Duration::from_secs(60));
    let root = post.root().await;
    post.users.deactivate_user(&root, ada.id, None).await.unwrap();
    reuse(&other.refresh.token).await.unwrap_err();
    assert_eq!(post.arrived().await.len(), 1, "nor is an account that is shut");
}

#[tokio::test]
async fn where_there_is_no_mail_nobody_is_told() {
    let post = Post::none().await;
    post.ada().await;
    let ada = post.actor("ada").await;
    let wish = ChangePassword { current_password: password(PASSWORD), new_password: password(NEW_PASSWORD) };
    post.users.change_password(&ada, wish).await.unwrap();
    assert_eq!(post.queue().await, []);
}
