//! What settings of mail must be, each for itself and to each other.

use std::{fs, time::Duration};

use usher::config::{Config, MailTransport};

use crate::support::{Place, load, only_fault, variables};

const SMTP: [(&str, &str); 3] = [
    ("mail.transport", "smtp"),
    ("mail.from", "Example <no-reply@example.com>"),
    ("mail.smtp.url", "smtp://mail.example.com"),
];

fn smtp_with(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = SMTP.iter().filter(|(key, _)| settings.iter().all(|(changed, _)| changed != key));
    let all = kept.chain(settings).filter(|(_, value)| !value.is_empty());
    all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn fault_of_smtp_with(settings: &[(&str, &str)]) -> String {
    only_fault(&borrowed(&smtp_with(settings)))
}

fn good_smtp_with(settings: &[(&str, &str)]) -> Config {
    load(&borrowed(&smtp_with(settings))).unwrap_or_else(|faults| panic!("{settings:?}: {faults}"))
}

#[test]
fn smtp_needs_a_mail_server_and_somebody_whom_mail_is_from() {
    let faults = load(&[("mail.transport", "smtp")]).unwrap_err().to_string();
    assert_eq!(
        faults,
        "mail.from: is missing, and mail.transport is smtp (from default): write for example Example \
         <no-reply@example.com>\nmail.smtp.url: is missing, and mail.transport is smtp (from default): write for \
         example smtp://mail.example.com"
    );
    let MailTransport::Smtp(settings) = good_smtp_with(&[]).mail.transport else { panic!("it is smtp") };
    assert_eq!((settings.url.as_str(), settings.login.is_none()), ("smtp://mail.example.com", true));
    for from in ["nobody", "a@b@c", "Example <>", "a@example.com, b@example.com", " "] {
        let line = fault_of_smtp_with(&[("mail.from", from)]);
        assert!(line.starts_with(&format!("mail.from: {from:?} is not an address that mail can be from")), "{line}");
        assert!(line.ends_with("write for example Example <no-reply@example.com>"), "{line}");
    }
    assert!(only_fault(&[("mail.transport", "pigeon")]).ends_with("write file, smtp, none"));
}

/// Proves: OP-02
#[test]
fn the_address_of_a_mail_server_holds_nothing_secret_and_nothing_unknown() {
    for (url, problem) in [
        ("smtp://usher:hunter2@mail.example.com", "must hold no user and no password"),
        ("smtps://hunter2@mail.example.com", "must hold no user and no password"),
        ("http://mail.example.com/hunter2", "must look like"),
        ("mail.example.com", "must look like"),
        ("smtp://mail.example.com?tls=hunter2", "must look like"),
        ("smtps://mail.example.com?tls=none", "must look like"),
    ] {
        let line = fault_of_smtp_with(&[("mail.smtp.url", url)]);
        assert!(line.starts_with("mail.smtp.url: ") && line.contains(problem), "{line}");
        assert!(line.ends_with("smtp://host?tls=none for a server on this machine"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
    for url in ["smtps://mail.example.com:4650", "smtp://192.0.2.1:2525", "smtp://mail-catcher:1025?tls=none"] {
        good_smtp_with(&[("mail.smtp.url", url)]);
    }
}

/// Proves: OP-11
#[test]
fn nobody_signs_in_without_tls_but_on_this_machine() {
    let login = [("mail.smtp.username", "usher"), ("mail.smtp.password", "hunter2")];
    let with = |url| [[("mail.smtp.url", url)].as_slice(), &login].concat();
    for url in ["smtp://mail.example.com?tls=none", "smtp://192.0.2.1?tls=none"] {
        let line = fault_of_smtp_with(&with(url));
        assert!(line.starts_with("mail.smtp.url: without TLS nobody signs in"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
    for url in ["smtp://mail.example.com", "smtps://mail.example.com", "smtp://127.0.0.1:1025?tls=none"] {
        let MailTransport::Smtp(settings) = good_smtp_with(&with(url)).mail.transport else { panic!("it is smtp") };
        let login = settings.login.unwrap();
        assert_eq!((login.username.as_str(), login.password.as_typed()), ("usher", "hunter2"));
    }
    for half in &login {
        let line = fault_of_smtp_with(&[*half]);
        assert!(line.starts_with("mail.smtp.username: goes with mail.smtp.password"), "{line}");
        assert!(line.ends_with("set both, or neither") && !line.contains("hunter2"), "{line}");
    }
}

/// Proves: OP-02
#[test]
fn the_password_for_the_mail_server_comes_from_a_file_and_is_shown_nowhere() {
    let place = Place::new();
    let path = place.write("password", "hunter2 \n");
    let settings = [
        ("USHER__MAIL__TRANSPORT", "smtp"),
        ("USHER__MAIL__FROM", "no-reply@example.com"),
        ("USHER__MAIL__SMTP__URL", "smtps://mail.example.com"),
        ("USHER__MAIL__SMTP__USERNAME", "usher"),
        ("USHER__MAIL__SMTP__PASSWORD_FILE", &path),
    ];
    let config = Config::load(&variables(&settings)).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let MailTransport::Smtp(smtp) = config.mail.transport else { panic!("it is smtp") };
    assert_eq!(smtp.login.unwrap().password.as_typed(), "hunter2 ");

    let given = [&settings[..4], &[("USHER__MAIL__SMTP__PASSWORD", "hunter2")]].concat();
    for settings in [settings.as_slice(), &given] {
        let shown = place.run(&["config", "show"], settings);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        let line = shown.stdout.lines().find(|line| line.contains("mail.smtp.password")).unwrap();
        assert!(line.contains("[redacted]") && !shown.stdout.contains("hunter2"), "{}", shown.stdout);
    }
}

#[test]
fn proving_an_address_before_there_is_an_account_needs_mail() {
    let line = only_fault(&[("registration.mode", "verified"), ("mail.transport", "none")]);
    assert_eq!(
        line,
        "registration.mode: verified needs mail, and mail.transport is none (from the test): choose another \
         transport, or write open or closed"
    );
    for (mode, transport) in [("verified", "file"), ("open", "none"), ("closed", "none")] {
        load(&[("registration.mode", mode), ("mail.transport", transport)]).unwrap();
    }
    good_smtp_with(&[("registration.mode", "verified")]);
    let line = fault_of_smtp_with(&[("registration.mode", "verified"), ("mail.smtp.url", "")]);
    assert!(line.starts_with("mail.smtp.url: is missing"), "one mistake is told once: {line}");
}

/// Proves: RS-12
#[test]
fn links_bring_the_token_behind_a_hash_or_in_the_path() {
    for key in ["mail.reset_url", "mail.verify_url", "mail.invite_url"] {
        for good in [
            "https://app.example.com/reset#token={token}",
            "http://localhost:3000/#/reset/{token}",
            "https://app.example.com/reset/{token}?from=mail",
            "https://app.example.com/{token}",
        ] {
            load(&[(key, good)]).unwrap_or_else(|faults| panic!("{good}: {faults}"));
        }
        for bad in [
            "https://app.example.com/reset",
            "https://app.example.com/reset?token={token}",
            "https://app.example.com/?a=b&token={token}#x",
            "https://app.example.com/{token}#{token}",
            "https://app.example.com/#TOKEN",
            "https://{token}.example.com/",
            "https://{token}@app.example.com/",
            "https://usher:{token}@app.example.com/",
            "https://app.example.com{token}/",
            "app://reset#{token}",
            "javascript:alert(1)//{token}",
            "/reset#{token}",
            "{token}",
        ] {
            let line = only_fault(&[(key, bad)]);
            assert!(line.starts_with(&format!("{key}: {bad:?} ")), "{line}");
            assert!(line.ends_with("write for example https://app.example.com/reset#token={token}"), "{line}");
        }
    }
}

/// Proves: RS-03
#[test]
fn a_reset_is_good_for_half_an_hour_and_for_an_hour_at_most() {
    let lifetimes = load(&[]).unwrap().mail.lifetimes;
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    assert_eq!((lifetimes.reset, lifetimes.verify), (minutes(30), minutes(24 * 60)));
    assert_eq!(lifetimes.invite, minutes(72 * 60));
    let hour = load(&[("auth.reset_ttl", "1h"), ("auth.verify_ttl", "30d"), ("auth.invite_ttl", "30d")]).unwrap();
    assert_eq!(hour.mail.lifetimes.reset, minutes(60));
    for (key, bad) in [
        ("auth.reset_ttl", "3601"),
        ("auth.reset_ttl", "61m"),
        ("auth.reset_ttl", "1d"),
        ("auth.reset_ttl", "0"),
        ("auth.verify_ttl", "31d"),
        ("auth.verify_ttl", "0"),
        ("auth.invite_ttl", "31d"),
        ("auth.invite_ttl", "0"),
    ] {
        assert!(only_fault(&[(key, bad)]).starts_with(&format!("{key}: ")), "{bad}");
    }
}

#[test]
fn files_lie_beside_the_database_unless_somebody_says_otherwise() {
    for (settings, folder) in [
        (vec![], "data/mail"),
        (vec![("database.url", "sqlite:///var/lib/usher/usher.db")], "/var/lib/usher/mail"),
        (vec![("database.url", "sqlite:usher.db")], "mail"),
        (vec![("database.url", "sqlite::memory:")], "data/mail"),
        (vec![("mail.dir", "/tmp/post")], "/tmp/post"),
    ] {
        let MailTransport::File(found) = load(&settings).unwrap().mail.transport else { panic!("it is file") };
        assert_eq!(found.to_str().unwrap(), folder);
    }
}

#[test]
fn templates_are_read_in_all_languages() {
    let place = Place::new();
    fs::create_dir_all(place.path("letters/de")).unwrap();
    let letters = place.path("letters").to_str().unwrap().to_owned();
    place.write("letters/reset_password.txt", "Subject: Reset\n\n{{ link }}");
    place.write("letters/layout.html", "<p>{% block body %}{% endblock %}{{ link }}</p>");
    place.write("letters/de/reset_password.txt", "Subject: Neues Kennwort\n\n{{ link }}");
    place.write("letters/de/reset_password.html", "<a href=\"{{ link }}\">hier</a>");
    let mut read = load(&[("mail.templates_dir", &letters)]).unwrap().mail.templates;
    read.sort_by(|a, b| (&a.locale, &a.name).cmp(&(&b.locale, &b.name)));
    let read: Vec<_> = read.iter().map(|it| (it.locale.as_deref(), it.name.as_str())).collect();
    assert_eq!(
        read,
        [
            (None, "layout.html"),
            (None, "reset_password.txt"),
            (Some("de"), "reset_password.html"),
            (Some("de"), "reset_password.txt"),
        ]
    );
}

#[test]
fn templates_that_will_not_do_are_named() {
    let line = only_fault(&[("mail.templates_dir", "/nowhere/letters")]);
    assert!(line.starts_with("mail.templates_dir: /nowhere/letters cannot be read: "), "{line}");
    assert!(line.ends_with("name a folder that usher may read"), "{line}");
    for (name, content, problem) in [
        ("reset.txt", "Subject: x\n\n{{ link }}", "there is no such mail: there are layout.html, sign_up.txt"),
        ("README.md", "", "there is no such mail"),
        ("de/farewell.html", "", "there is no such mail"),
        ("reset_password.txt", "Subject: {{ service\n\n{{ link }}", "syntax error"),
        ("reset_password.txt", "Subject: x\n\n{{ link }} {{ password }}", "undefined value"),
        ("reset_password.txt", "Hello\n\n{{ link }}", "the first line of the text must be \"Subject: \""),
        ("reset_password.txt", "Subject: {{ service }}\n\nHello", "the text does not show {{ link }}"),
        ("reset_password.html", "<p>Hello {{ username }}</p>", "the HTML does not show {{ link }}"),
        ("de/reset_password.txt", "Subject: x\n\n{% if %}", "syntax error"),
        ("reset_password.html", "{% extends 'nothing.html' %}", "template not found"),
    ] {
        let place = Place::new();
        fs::create_dir_all(place.path("letters/de")).unwrap();
        place.write(&format!("letters/{name}"), content);
        let letters = place.path("letters").to_str().unwrap().to_owned();
        let line = only_fault(&[("mail.templates_dir", &letters)]);
        let kind = name.split('.').next().unwrap();
        assert!(line.starts_with(&format!("mail.templates_dir: {letters}/{kind}")), "{line}");
        assert!(line.contains(problem), "{line}");
        assert!(line.ends_with("correct the template, or take it away: the built-in one is then used"), "{line}");
    }
    let place = Place::new();
    fs::create_dir_all(place.path("letters/de")).unwrap();
    fs::write(place.path("letters/de/invite.txt"), b"\xff").unwrap();
    let letters = place.path("letters").to_str().unwrap().to_owned();
    let line = only_fault(&[("mail.templates_dir", &letters)]);
    assert!(line.starts_with(&format!("mail.templates_dir: {letters}/de/invite.txt cannot be read")), "{line}");
}

/// Proves: OP-01
#[test]
fn everything_that_is_wrong_with_mail_is_told_at_once() {
    let place = Place::new();
    place.write(
        "usher.toml",
        "[auth]\nreset_ttl = '2h'\n[registration]\nmode = 'verified'\n[mail]\ntransport = 'smtp'\nfrom = 'me'\n\
         reset_url = 'https://app.example.com/?{token}'\nverify_url = 'app'\ntemplates_dir = 'nowhere'\nform = 'x'\n\
         [mail.smtp]\nurl = 'smtp://usher:hunter2@mail.example.com'\npassword = 'hunter2'\n",
    );
    for command in [["config", "check"].as_slice(), &["serve"]] {
        let refused = place.run(command, &[]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""));
        let keys: Vec<_> = refused.stderr.lines().map(|line| line.split(": ").next().unwrap()).collect();
        let expected = [
            "auth.reset_ttl",
            "mail.form",
            "mail.from",
            "mail.reset_url",
            "mail.smtp.url",
            "mail.smtp.username",
            "mail.templates_dir",
            "mail.verify_url",
        ];
        assert_eq!(keys, expected, "{}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
        assert!(refused.stderr.lines().all(|line| line.split("): ").count() > 1), "a remedy each: {}", refused.stderr);
    }
}
