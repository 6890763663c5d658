//! How mails are written: the built-in ones word for word, and what may be put in their place.

use std::{collections::BTreeSet, fs, path::Path};

use usher_domain::{Actor, ClientInfo, MailKind};
use usher_service::{ChangePassword, Mail, Stationery, TemplateOverride, Templates};

use crate::{
    fixture::{PASSWORD, password},
    post::{ADA, NEW_PASSWORD, Post, stationery, token_in},
    throttling::from,
};

fn template(locale: Option<&str>, name: &str, source: &str) -> TemplateOverride {
    TemplateOverride { locale: locale.map(str::to_owned), name: name.to_owned(), source: source.to_owned() }
}

/// What is wrong with a template.
fn problem(overrides: &[TemplateOverride]) -> String {
    Templates::with_overrides(overrides).unwrap_err().to_string()
}

async fn written_with(overrides: &[TemplateOverride]) -> Post {
    Post::written(Stationery { templates: Templates::with_overrides(overrides).unwrap(), ..stationery() }).await
}

/// Has every mail sent that there is, to somebody who comes from there.
async fn every_mail(post: &Post, client: ClientInfo) -> Vec<Mail> {
    let ada = post.ada().await;
    post.somebody("bob", "bob@example.org").await;
    let login = post.login("ada").await;
    let actor = post.auth.authenticate(login.access.token.expose(), client.clone()).await.unwrap();
    post.mailbox.request_verification(ADA, &client).await.unwrap();
    post.mailbox.request_reset(ADA, &client).await.unwrap();
    post.invited("eve", "eve@example.org").await;
    post.wish("carl", "carl@example.org").await;
    post.wish("dora", ADA).await;
    post.users.change_email(&actor, "bob@example.org", password(PASSWORD)).await.unwrap();
    post.users.change_email(&actor, "new@example.org", password(PASSWORD)).await.unwrap();
    let token = post.token(MailKind::ChangeEmail).await;
    post.mailbox.verify_email(&token, None, &client).await.unwrap();
    let wish = ChangePassword { current_password: password(PASSWORD), new_password: password(NEW_PASSWORD) };
    post.users.change_password(&actor, wish).await.unwrap();
    let request = crate::fixture::request("ada", NEW_PASSWORD);
    let login = post.auth.login(&request, &client).await.unwrap();
    post.refresh(&login).await.unwrap();
    post.clock.advance(std::time::Duration::from_secs(60));
    post.auth.refresh(&login.refresh.token, &client).await.unwrap_err();
    post.deliver().await;
    let mails = post.mailer.arrived.mails();
    let kinds: BTreeSet<_> = mails.iter().map(|mail| mail.kind).collect();
    assert_eq!(kinds.len(), MailKind::ALL.len(), "{kinds:?}");
    assert!(mails.iter().all(|mail| mail.date >= ada.created_at));
    mails
}

/// A mail as it is kept: without its token, which is another each time.
fn shown(mail: &Mail) -> String {
    let Mail { to, subject, text, html, .. } = mail;
    let shown = format!("To: {to}\nSubject: {subject}\n\n{text}\n--- HTML ---\n{html}\n");
    match text.contains("#token=") {
        true => shown.replace(token_in(mail).expose(), "TOKEN"),
        false => shown,
    }
}

/// The mails of [`every_mail`] as they are kept in `mails`. Where one is meant to change, what it has become is
/// in the folder that the message names.
#[tokio::test]
async fn every_built_in_mail_reads_as_it_is_kept() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mails");
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mails");
    fs::create_dir_all(&made).unwrap();
    let mut changed = Vec::new();
    for mail in every_mail(&Post::new().await, from("192.0.2.7")).await {
        let (name, shown) = (format!("{}.txt", mail.kind), shown(&mail));
        if fs::read_to_string(kept.join(&name)).is_ok_and(|kept| kept.replace("\r\n", "\n") == shown) {
            continue;
        }
        fs::write(made.join(&name), shown).unwrap();
        changed.push(name);
    }
    assert_eq!(changed, [""; 0], "compare {} with {}", kept.display(), made.display());
    assert_eq!(fs::read_dir(kept).unwrap().count(), MailKind::ALL.len());
}

#[tokio::test]
async fn a_mail_to_somebody_from_nowhere_does_not_say_from_where() {
    for mail in every_mail(&Post::new().await, ClientInfo::default()).await {
        for form in [&mail.subject, &mail.text, &mail.html] {
            assert!(
                !form.to_lowercase().replace("text-decoration: none", "").contains("none"),
                "{}: {form}",
                mail.kind
            );
            assert!(!form.contains("(from") && !form.contains(", from"), "{}: {form}", mail.kind);
        }
    }
    let careless = "Subject: x\n[{{ ip }}{{ link }}{{ expires_at }}]";
    let post = written_with(&[template(None, "password_changed.txt", careless)]).await;
    let mails = every_mail(&post, ClientInfo::default()).await;
    let changed = mails.iter().find(|mail| mail.kind == MailKind::PasswordChanged).unwrap();
    assert_eq!(changed.text, "[]");
}

/// Proves: RS-12
#[tokio::test]
async fn links_lead_where_they_are_set_to_lead() {
    for mail in every_mail(&Post::new().await, from("192.0.2.7")).await {
        let page = match mail.kind {
            MailKind::ResetPassword => "reset-password",
            MailKind::SignUp | MailKind::VerifyEmail | MailKind::ChangeEmail => "verify-email",
            MailKind::Invite => "accept-invitation",
            _ => {
                assert!(!mail.text.contains("http") && !mail.html.contains("href"), "{}", mail.kind);
                continue;
            }
        };
        let link = format!("https://id.example.org/pages/{page}#token={}", token_in(&mail).expose());
        assert_eq!(mail.text.matches("http").count(), 1, "{}", mail.kind);
        assert!(mail.text.lines().any(|line| line == link), "{}: on a line of its own", mail.kind);
    }
}

#[tokio::test]
async fn nothing_that_is_filled_in_can_be_markup() {
    let service = r#"<script>alert("x")</script> & Co"#.to_owned();
    let post = Post::written(Stationery { service: service.clone(), ..stationery() }).await;
    for mail in every_mail(&post, from("192.0.2.7")).await {
        assert!(mail.subject.contains(&service) && mail.text.contains(&service), "{}: as it is", mail.kind);
        assert!(!mail.html.contains("<script") && !mail.html.contains("\"x\""), "{}: {}", mail.kind, mail.html);
        assert!(mail.html.contains("&lt;script&gt;") && mail.html.contains(" &amp; Co"), "{}", mail.kind);
    }
}

#[tokio::test]
async fn a_mail_is_written_in_the_language_that_whoever_caused_it_reads() {
    let text = |word: &str| format!("Subject: {word} {{{{ service }}}}\n\n{word}: {{{{ link }}}}\n");
    let html = |word: &str| format!("<p>{word}: {{{{ link }}}}</p>");
    let post = written_with(&[
        template(Some("de"), "reset_password.txt", &text("Hallo")),
        template(Some("de"), "reset_password.html", &html("Hallo")),
        template(Some("pt-BR"), "reset_password.txt", &text("Oi")),
        template(Some("pt-BR"), "reset_password.html", &html("Oi")),
        template(Some("fr"), "reset_password.txt", &text("Bonjour")),
        template(Some("es"), "reset_password.html", &html("Hola")),
        template(None, "reset_password.txt", &text("Hey")),
    ])
    .await;
    let ada = post.ada().await;
    for (asked, expected) in [
        ("de", "Hallo"),
        ("de-CH, en;q=0.9", "Hallo"),
        ("en, de;q=0.9", "Hallo"),
        ("pt-br", "Oi"),
        ("pt", "Hey"),
        ("fr, de;q=0.1", "Hallo"),
        ("fr", "Hey"),
        ("es, fr, pt-BR;q=0.1", "Oi"),
        ("es", "Hey"),
        ("de;q=0, *", "Hey"),
        ("", "Hey"),
    ] {
        let client = ClientInfo::default().accepting(Some(asked));
        post.mailbox.request_reset(ADA, &client).await.unwrap();
        post.deliver().await;
        let mail = post.mailer.arrived.mails().pop().unwrap();
        assert_eq!(mail.subject, format!("{expected} Example"), "{asked}");
        assert_eq!(mail.html.starts_with(&format!("<p>{expected}: ")), expected != "Hey", "{asked}");
        assert!(mail.text.starts_with(&format!("{expected}: https://")), "{asked}: {}", mail.text);
    }
    post.users.send_reset(&Actor::system(), ada.id).await.unwrap();
    post.deliver().await;
    assert_eq!(post.mailer.arrived.mails().pop().unwrap().subject, "Hey Example", "nobody asked for a language");
}

#[tokio::test]
async fn one_layout_changes_all_mails() {
    let layout = "<main lang='{% block lang %}en{% endblock %}'>{% block body %}{% endblock %}{{ link }}</main>";
    let post = written_with(&[template(None, "layout.html", layout)]).await;
    for mail in every_mail(&post, from("192.0.2.7")).await {
        assert!(mail.html.starts_with("<main lang='en'>") && mail.html.ends_with("</main>"), "{}", mail.kind);
    }
    let german = "{% extends 'layout.html' %}{% block lang %}de{% endblock %}{% block body %}Hallo{% endblock %}";
    let post = written_with(&[
        template(None, "layout.html", layout),
        template(Some("de"), "password_changed.html", german),
        template(Some("de"), "password_changed.txt", "Subject: Hallo\nHallo\n"),
    ])
    .await;
    let mails = every_mail(&post, from("192.0.2.7").accepting(Some("de"))).await;
    let changed = mails.iter().find(|mail| mail.kind == MailKind::PasswordChanged).unwrap();
    assert_eq!(changed.html, "<main lang='de'>Hallo</main>");
}

#[test]
fn templates_that_will_not_do_are_refused_with_what_is_wrong() {
    let text = "Subject: x\n\n{{ link }}\n";
    assert!(problem(&[template(Some("de"), "goodbye.txt", text)]).starts_with("de/goodbye.txt: there is no such mail"));
    assert!(problem(&[template(None, "reset_password", text)]).contains("reset_password.txt, reset_password.html"));

    let broken = problem(&[template(None, "invite.txt", "Subject: {{ service\n")]);
    assert!(broken.starts_with("invite.txt: syntax error"), "{broken}");
    assert!(!broken.contains('\n'));
    let unknown = problem(&[template(None, "invite.txt", "Subject: {{ servce }}\n{{ link }}")]);
    assert!(unknown.starts_with("invite: undefined value") && unknown.contains("invite.txt:1"), "{unknown}");
    let unknown = problem(&[template(None, "invite.html", "<p>{{ user.password }} {{ link }}</p>")]);
    assert!(unknown.starts_with("invite: undefined value") && unknown.contains("invite.html:1"), "{unknown}");

    for no_subject in ["{{ link }}\n", "Subject:\n{{ link }}", "Subject: \n{{ link }}", "\nSubject: x\n{{ link }}", ""]
    {
        let refused = problem(&[template(None, "invite.txt", no_subject)]);
        assert!(refused.starts_with("invite: the first line of the text must be \"Subject: \""), "{refused}");
    }
    assert_eq!(
        problem(&[template(None, "invite.txt", "Subject: x\nhello")]),
        "invite: the text does not show {{ link }}"
    );
    assert_eq!(problem(&[template(None, "invite.html", "<p>hello</p>")]), "invite: the HTML does not show {{ link }}");
    Templates::with_overrides(&[template(None, "email_changed.txt", "Subject: x\nhello")]).unwrap();

    let in_german =
        [template(Some("de"), "invite.txt", "Subject: x\n"), template(Some("de"), "invite.html", "{{ link }}")];
    assert_eq!(problem(&in_german), "de/invite: the text does not show {{ link }}");
    let half = &in_german[..1];
    Templates::with_overrides(half).unwrap();
    let extends =
        [template(Some("de"), "invite.html", "{% extends 'nothing.html' %}"), template(Some("de"), "invite.txt", text)];
    assert!(problem(&extends).starts_with("de/invite: template not found"), "{}", problem(&extends));
}

/// Proves: RS-12
#[test]
fn a_link_holds_its_token_once_and_never_in_the_query() {
    use usher_service::LinkTemplate;
    for good in [
        "https://app.example.org/#token={token}",
        "https://app.example.org/reset/{token}",
        "https://app.example.org/{token}/reset?lang=de",
        "https://app.example.org/?lang=de#{token}",
        "https://app.example.org/#/reset?token={token}",
    ] {
        assert!(good.parse::<LinkTemplate>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "https://app.example.org/reset",
        "https://app.example.org/?token={token}",
        "https://app.example.org/reset?lang=de&token={token}#top",
        "https://app.example.org/{token}#{token}",
        "https://app.example.org/#{TOKEN}",
        "https://{token}.example.org/",
        "https://app.example.org:{token}",
        "{token}",
        "reset/{token}",
    ] {
        let refused = bad.parse::<LinkTemplate>().unwrap_err();
        assert_eq!(refused.to_string(), "must hold {token} once, in the fragment or in the path", "{bad}");
    }
}
