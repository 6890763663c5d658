use actix_web::rt::System;
use usher_domain::{PageSize, QueuedMail, Timestamp};
use usher_service::mail::contract::Received;
use usher_storage::{ConnectSettings, MailQueries, SeaOrmBackend, UsersStorageBackend, contract::TestDatabase};

use super::{MASTER_KEY, Place, Post, QUICK, Server};

/// A folder, a database and a mail server: what servers with mail are started on.
pub(crate) struct Office {
    pub(crate) place: Place,
    pub(crate) post: Post,
    postgres: Option<TestDatabase>,
    own: Vec<(&'static str, String)>,
}

impl Office {
    pub(crate) fn on_sqlite(post: Post) -> Self {
        Self { place: Place::new(), post, postgres: None, own: Vec::new() }
    }

    /// None where no PostgreSQL answers.
    pub(crate) fn on_postgres(post: Post) -> Option<Self> {
        let database = System::new().block_on(TestDatabase::postgres())?;
        Some(Self { postgres: Some(database), ..Self::on_sqlite(post) })
    }

    /// With this variable for all its servers.
    pub(crate) fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.own.push((variable, value.into()));
        self
    }

    pub(crate) fn start(&self) -> Server {
        let url = self.post.url();
        let mut variables = vec![
            ("USHER__MAIL__TRANSPORT", "smtp"),
            ("USHER__MAIL__FROM", "Example <no-reply@example.org>"),
            ("USHER__MAIL__SMTP__URL", &url),
        ];
        if let Some(database) = &self.postgres {
            variables.extend([("USHER__DATABASE__URL", database.url()), MASTER_KEY]);
        }
        variables.extend(QUICK);
        variables.extend(self.own.iter().map(|(name, value)| (*name, value.as_str())));
        Server::start(&self.place, &[], &variables)
    }

    /// The mails, once there are so many and none is left to send; there are no more.
    pub(crate) fn arrived(&self, server: &Server, count: usize) -> Vec<Received> {
        server.client.until("all mails are sent", || self.post.mails().len() >= count && self.queue().is_empty());
        let mails = self.post.mails();
        assert_eq!(mails.len(), count, "{mails:?}");
        mails
    }

    /// What waits, or is on its way.
    pub(crate) fn queue(&self) -> Vec<QueuedMail> {
        self.look(async |backend| backend.mail_due(Timestamp::from_micros(i64::MAX), PageSize::MAX).await.unwrap())
    }

    /// The mail to this address that waits, or is on its way.
    pub(crate) fn queued(&self, to: &str) -> Option<QueuedMail> {
        self.queue().into_iter().find(|mail| mail.recipient.as_str() == to)
    }

    /// Lets no mail wait any longer, as if so much time had gone by.
    pub(crate) fn end_waiting(&self) {
        let queue = self.queue();
        self.look(async |backend| {
            let transaction = backend.begin().await.unwrap();
            for mail in &queue {
                let error = mail.last_error.as_deref().unwrap_or("nothing");
                transaction.mail_put_off(mail.id, Timestamp::UNIX_EPOCH, error).await.unwrap();
            }
            transaction.commit().await.unwrap();
        });
    }

    /// Does something in the database, behind the servers' backs.
    fn look<T>(&self, work: impl AsyncFnOnce(&SeaOrmBackend) -> T) -> T {
        let url = match &self.postgres {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite://{}", self.place.path("data/usher.db").display()),
        };
        System::new().block_on(async {
            let backend = SeaOrmBackend::connect(ConnectSettings::new(url)).await.unwrap();
            let found = work(&backend).await;
            backend.close().await;
            found
        })
    }
}

/// The token of the link in a mail.
pub(crate) fn token_in(text: &str) -> String {
    let (_, rest) = text.split_once("#token=").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}
