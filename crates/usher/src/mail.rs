//! From the settings of mail to what takes it, and what sends it.

use std::sync::Arc;

use usher_adapters::{FileMailer, SmtpMailer};
use usher_service::{Environment, MailDispatcher, Mailer, MasterKey, Outbox, Stationery, Templates};
use usher_storage::SeaOrmBackend;

use crate::{
    config::{Config, MailTransport},
    start_error::StartError,
};

/// Where managers put mails.
pub(crate) fn outbox(config: &Config, key: &MasterKey) -> Outbox {
    match config.mail.transport {
        MailTransport::File(_) | MailTransport::Smtp(_) => Outbox::new(key, config.mail.lifetimes),
        MailTransport::None => Outbox::off(),
    }
}

/// What sends them; none where there is no mail.
pub(crate) fn dispatcher(
    config: &Config,
    backend: &Arc<SeaOrmBackend>,
    outbox: &Outbox,
    environment: &Environment,
) -> Result<Option<MailDispatcher>, StartError> {
    let mail = &config.mail;
    let mailer: Arc<dyn Mailer> = match &mail.transport {
        MailTransport::File(folder) => {
            let opened = FileMailer::open(folder, mail.from.clone());
            Arc::new(opened.map_err(|source| StartError::File { path: folder.clone(), source })?)
        }
        MailTransport::Smtp(settings) => Arc::new(SmtpMailer::open(settings.clone())?),
        MailTransport::None => return Ok(None),
    };
    let stationery = Stationery {
        service: mail.from.name().unwrap_or("usher").to_owned(),
        links: mail.links.of(&config.http.public_url),
        templates: Templates::with_overrides(&mail.templates)?,
    };
    let (outbox, environment) = (outbox.clone(), environment.clone());
    Ok(Some(MailDispatcher::new(backend.clone(), mailer, outbox, stationery, environment)))
}
