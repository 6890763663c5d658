//! What a person reads who starts the server.

use usher_domain::PlainPassword;
use usher_service::DEFAULT_ADMIN_PASSWORD;
use usher_storage::PostgresTransport;

use crate::{
    config::{Config, MailTransport, Profile},
    first_start::FirstPassword,
    wiring::{Application, Started},
};

/// Version, address, database, documentation, how to sign in the first time, warnings.
pub(crate) fn summary(application: &Application) -> String {
    let (config, started) = (application.config(), application.started());
    let address = format!("http://{}", application.address());
    let mut text = format!("usher {} listens on {address}\n\n", env!("CARGO_PKG_VERSION"));
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<11}{value}\n"));
    row("API", &format!("{}{}", config.http.public_url, config.http.base_path));
    if config.http.docs {
        row("Docs", &format!("{}/docs", config.http.public_url));
    }
    row("Database", &config.database.url.to_string());
    if let Some(redis) = &config.redis {
        row("Redis", &redis.url.to_string());
    }
    if let Some(address) = application.metrics_address() {
        row("Metrics", &format!("http://{address}/metrics"));
    }
    row("Mail", &mail(&config.mail.transport));
    if let Some(path) = &started.made_master_key {
        let path = path.display();
        row("Master key", &format!("made now, in {path}: keep a copy, away from the database"));
    }
    if let Some(password) = &started.first_password {
        text.push_str(&first_login(config, &address, password));
    }
    for warning in warnings(config, started) {
        text.push_str(&format!("\nWarning: {warning}\n"));
    }
    text
}

fn mail(transport: &MailTransport) -> String {
    match transport {
        MailTransport::File(folder) => format!("written to {}, for you to look at", folder.display()),
        MailTransport::Smtp(settings) => format!("sent through {}", settings.url),
        MailTransport::None => "none".to_owned(),
    }
}

fn first_login(config: &Config, address: &str, password: &FirstPassword) -> String {
    let username = &config.bootstrap.username;
    let (says, typed) = match password {
        FirstPassword::Configured => ("the one of bootstrap.admin_password".to_owned(), "PASSWORD".to_owned()),
        FirstPassword::Default => (DEFAULT_ADMIN_PASSWORD.to_owned(), DEFAULT_ADMIN_PASSWORD.to_owned()),
        FirstPassword::Random(password) => {
            let shown = PlainPassword::as_typed(password);
            (format!("{shown} (shown this once)"), shown.to_owned())
        }
    };
    let base_path = &config.http.base_path;
    format!(
        "\nThere was no account yet, so there is an administrator now. He must change his password first.\n\n  \
         Username   {username}\n  Password   {says}\n\n  \
         curl {address}{base_path}/auth/login -H 'Content-Type: application/json' \\\n    \
         -d '{{\"identifier\": \"{username}\", \"password\": \"{typed}\"}}'\n"
    )
}

fn warnings(config: &Config, started: &Started) -> Vec<String> {
    let mut warnings = Vec::new();
    let public_url = &config.http.public_url;
    if !config.is_loopback_only() && !public_url.is_https() {
        warnings.push(format!(
            "passwords, tokens and cookies travel unencrypted to {public_url}. Put a TLS proxy in front and set http.public_url."
        ));
    }
    if config.http.bind.ip().is_unspecified() && *public_url == crate::config::PublicUrl::of_address(config.http.bind) {
        warnings.push("http.public_url is not set: tokens name an address that nobody can reach.".to_owned());
    }
    if config.profile != Profile::Production && !config.is_loopback_only() {
        warnings.push(
            "the network can reach this server: `--profile production` checks more than this one does.".to_owned(),
        );
    }
    if config.profile == Profile::Production && matches!(config.mail.transport, MailTransport::File(_)) {
        warnings.push("mail reaches nobody: it is only written to files. Set mail.transport to smtp.".to_owned());
    }
    if let MailTransport::Smtp(server) = &config.mail.transport
        && config.profile == Profile::Production
        && server.is_readable_on_its_way()
    {
        warnings.push(
            "mails, and the links in them that reset passwords, travel unencrypted to the mail server (tls=none): nobody \
             else may be in the network between."
                .to_owned(),
        );
    }
    if config.profile == Profile::Production && config.database.url.postgres() == Some(PostgresTransport::Plain) {
        warnings.push(
            "what usher and PostgreSQL say to each other is not encrypted (sslmode=disable): nobody else may be in the \
             network between."
                .to_owned(),
        );
    }
    let weak = config.bootstrap.password.as_ref().is_some_and(|it| it.as_typed() == DEFAULT_ADMIN_PASSWORD);
    if weak && started.first_password.is_some() && !config.is_loopback_only() {
        warnings.push("the first password is one that everybody tries: sign in and change it now.".to_owned());
    }
    warnings
}
