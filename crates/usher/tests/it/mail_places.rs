//! Where mail goes instead of to a mail server: into files, or nowhere.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{MASTER_KEY, PASSWORD, Place, QUICK, Server, token_in};

/// What is in the files of a folder, once there are so many.
fn files(server: &Server, folder: &Path, count: usize) -> Vec<String> {
    let paths = || -> Vec<_> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).collect()
    };
    server.client.until("mails are written", || paths().len() >= count);
    let mut paths = paths();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn without_settings_mail_is_written_beside_the_database_and_start_up_says_where() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    assert_eq!(server.client.sign_up("ada").status, 201);
    let mail = files(&server, &place.path("data/mail"), 1).remove(0);
    assert!(mail.contains("To: ada@example.org\r\n") && mail.contains("no-reply@localhost"), "{mail}");
    assert!(mail.contains(&format!("{}/pages/verify-email#token=", server.client.url())), "{mail}");
    assert_eq!(server.client.verify_email(&token_in(&mail)).status, 200);
    let stdout = server.stop().stdout;
    assert!(stdout.contains("Mail       written to data/mail, for you to look at\n"), "{stdout}");
    #[cfg(unix)]
    {
        use crate::support::mode;
        assert_eq!(mode(&place.path("data/mail")), 0o700);
        for entry in fs::read_dir(place.path("data/mail")).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
}

#[test]
fn mail_is_written_where_its_links_lead_and_what_it_says_as_the_settings_tell() {
    let place = Place::new();
    fs::create_dir_all(place.path("letters/de")).unwrap();
    place.write("letters/verify_email.txt", "Subject: From {{ service }}\n\nHi {{ username }}: {{ link }}\n");
    let settings = [
        ("USHER__DATABASE__URL", "sqlite://elsewhere/usher.db"),
        ("USHER__MAIL__FROM", "Example <post@example.com>"),
        ("USHER__MAIL__VERIFY_URL", "https://app.example.com/prove/{token}?from=mail"),
        ("USHER__MAIL__TEMPLATES_DIR", "letters"),
    ];
    let server = Server::start(&place, &[], &[QUICK.as_slice(), &settings].concat());
    assert_eq!(server.client.sign_up("ada").status, 201);
    let mail = files(&server, &place.path("elsewhere/mail"), 1).remove(0);
    assert!(mail.contains("Subject: From Example\r\n") && mail.contains("<post@example.com>"), "{mail}");
    let (_, link) = mail.split_once("Hi ada: https://app.example.com/prove/").unwrap();
    let (token, rest) = link.split_once('?').unwrap();
    assert!(rest.starts_with("from=mail\r\n"), "{mail}");
    assert_eq!(server.client.verify_email(token).status, 200);

    let settings = [settings.as_slice(), &[("USHER__MAIL__DIR", "post/box")]].concat();
    server.stop();
    let server = Server::start(&place, &[], &[QUICK.as_slice(), &settings].concat());
    assert_eq!(server.client.sign_up("bob").status, 201);
    files(&server, &place.path("post/box"), 1);
    assert!(server.stop().stdout.contains("written to post/box,"));
}

#[test]
fn without_mail_addresses_change_at_once_and_nothing_is_written() {
    let place = Place::new();
    let variables = [QUICK.as_slice(), &[("USHER__MAIL__TRANSPORT", "none")]].concat();
    let server = Server::start(&place, &[], &variables);
    let client = &server.client;
    assert_eq!(client.sign_up("ada").status, 201);
    let session = client.login("ada", PASSWORD).json();
    let token = session["data"]["access_token"].as_str().unwrap();
    let change = json!({"email": "countess@example.org", "current_password": PASSWORD});
    let changed = client.post_with(token, "/api/v1/users/me/email", &change);
    assert_eq!((changed.status, &changed.json()["data"]["email"]), (200, &json!("countess@example.org")));
    assert_eq!(client.ask_reset("countess@example.org").status, 202);
    assert_eq!(client.get("/health/ready").status, 200);
    let stdout = server.stop().stdout;
    assert!(stdout.contains("Mail       none\n"), "{stdout}");
    assert!(place.path("data").exists() && !place.path("data/mail").exists());
}

#[test]
fn production_is_told_that_files_reach_nobody() {
    let production = [
        ("USHER__PROFILE", "production"),
        ("USHER__HTTP__BIND", "127.0.0.1:0"),
        ("USHER__HTTP__PUBLIC_URL", "https://accounts.example.com"),
        MASTER_KEY,
    ];
    let start = |transport: &str| {
        let own = [("USHER__MAIL__TRANSPORT", transport)];
        Server::start(&Place::new(), &[], &[production.as_slice(), &own].concat()).stop().stdout
    };
    let stdout = start("file");
    assert!(
        stdout.contains("\nWarning: mail reaches nobody: it is only written to files. Set mail.transport to smtp.\n")
    );
    assert!(!start("none").contains("mail reaches nobody"));
}

#[test]
fn production_is_told_that_links_can_be_read_on_their_way() {
    let warns = |url: &str| {
        let settings = [
            ("USHER__PROFILE", "production"),
            ("USHER__HTTP__BIND", "127.0.0.1:0"),
            ("USHER__HTTP__PUBLIC_URL", "https://accounts.example.com"),
            ("USHER__MAIL__TRANSPORT", "smtp"),
            ("USHER__MAIL__SMTP__URL", url),
            ("USHER__MAIL__FROM", "no-reply@example.com"),
            MASTER_KEY,
        ];
        Server::start(&Place::new(), &[], &settings).stop().stdout.contains("travel unencrypted to the mail server")
    };
    assert!(warns("smtp://mail.example.com:25?tls=none"));
    assert!(
        !warns("smtp://mail.example.com") && !warns("smtps://mail.example.com") && !warns("smtp://localhost?tls=none")
    );
}
