//! Cases of [`MailQueries`](crate::MailQueries) and [`MailWrites`](crate::MailWrites).

use std::{slice::from_ref, time::Duration};

use usher_domain::{
    EmailAddress, Languages, MailBacklog, MailId, MailKind, MailRequest, MailRequestId, MailRequestKind, PageSize,
    QueuedMail, Timestamp,
};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, commit, inserted, race},
};
use crate::{Constraint, StorageError};

cases!(mail, __mail_cases, {
    /// A mail of every kind comes back as it was, with everything and with nothing that can be left out.
    pub async fn a_mail_of_every_kind_comes_back(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let mut queued = Vec::new();
        for &kind in MailKind::ALL {
            queued.push(queue(&backend, samples.mail(kind)).await);
            queued.push(queue(&backend, QueuedMail { kind, ..samples.full_mail(user) }).await);
        }
        queued.sort_by_key(|mail| (mail.not_before, mail.id));
        assert_eq!(due(&backend, at(99)).await, queued);
    }

    /// A mail about an account needs one that exists; it may bring a token that does not.
    pub async fn a_mail_about_nobody_is_refused(backend: Backend) {
        let samples = Samples::default();
        let nobody = samples.full_mail(samples.user_id());
        let refused = commit(&backend, async |transaction| transaction.mail_insert(&nobody).await).await;
        assert!(matches!(refused, Err(StorageError::Conflict(Constraint::UserExists))), "{refused:?}");
        assert_eq!(due(&backend, at(99)).await, []);
        queue(&backend, QueuedMail { user: None, ..nobody }).await;
    }

    /// Mails come when they are due, not before, the longest due first, those of one moment by their ids, and
    /// not more than were asked for. One that has expired is among them.
    pub async fn mails_come_when_they_are_due(backend: Backend) {
        let samples = Samples::default();
        let not_before = |second| QueuedMail { not_before: at(second), ..samples.mail(MailKind::PasswordChanged) };
        let last = queue(&backend, not_before(9)).await;
        let expired = queue(&backend, QueuedMail { expires_at: at(1), ..not_before(3) }).await;
        let [earlier_id, later_id] = [not_before(5), not_before(5)];
        let later_id = queue(&backend, later_id).await;
        let earlier_id = queue(&backend, earlier_id).await;
        let in_order = [expired, earlier_id, later_id, last];

        assert_eq!(due(&backend, at(3) - Duration::from_micros(1)).await, []);
        assert_eq!(due(&backend, at(3)).await, in_order[..1]);
        assert_eq!(due(&backend, at(8)).await, in_order[..3]);
        assert_eq!(due(&backend, at(9)).await, in_order);
        let two = PageSize::new(2).unwrap();
        assert_eq!(backend.mail_due(at(9), two).await.unwrap(), in_order[..2]);
    }

    /// The backlog counts what is due and what is not, and tells since when the oldest waits.
    pub async fn the_backlog_is_all_that_waits(backend: Backend) {
        let samples = Samples::default();
        assert_eq!(backend.mail_backlog().await.unwrap(), MailBacklog::default());
        for (created_at, not_before) in [(at(5), at(5)), (at(3), at(900)), (at(4), at(4))] {
            queue(&backend, QueuedMail { created_at, not_before, ..samples.mail(MailKind::PasswordChanged) }).await;
        }
        let backlog = backend.mail_backlog().await.unwrap();
        assert_eq!(backlog, MailBacklog { count: 3, oldest: Some(at(3)) });
    }

    /// A claim counts an attempt, keeps the mail from others until then, and leaves the rest. It needs the
    /// number of attempts that the mail has.
    pub async fn a_claim_is_guarded(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let mail = queue(&backend, QueuedMail { attempts: 3, ..samples.full_mail(user) }).await;
        let other = queue(&backend, QueuedMail { attempts: 3, ..samples.full_mail(user) }).await;
        for wrong in [0, 2, 4, u32::MAX] {
            assert!(!claim(&backend, mail.id, wrong, at(30)).await);
        }
        assert!(!claim(&backend, samples.mail_id(), 3, at(30)).await);
        assert_eq!(due(&backend, at(29)).await, [mail.clone(), other.clone()]);

        assert!(claim(&backend, mail.id, 3, at(30)).await);
        assert!(!claim(&backend, mail.id, 3, at(31)).await);
        let claimed = QueuedMail { attempts: 4, not_before: at(30), ..mail };
        assert_eq!(due(&backend, at(29)).await, from_ref(&other));
        assert_eq!(due(&backend, at(30)).await, [other, claimed]);
    }

    /// Of sixteen who claim a mail at once one gets it.
    pub async fn of_many_who_claim_a_mail_one_gets_it(backend: Backend) {
        let samples = Samples::default();
        let mail = queue(&backend, samples.mail(MailKind::Invite)).await;
        for attempts in 0..ROUNDS as u32 {
            let contenders = (0..16).map(|contender| {
                let (backend, id) = (backend.clone(), mail.id);
                async move || claim(&backend, id, attempts, at(contender)).await.then(|| at(contender))
            });
            let winners: Vec<_> = race(contenders).await.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1, "{attempts}");
            let claimed = QueuedMail { attempts: attempts + 1, not_before: winners[0], ..mail.clone() };
            assert_eq!(due(&backend, at(99)).await, [claimed]);
        }
    }

    /// A mail that is put off waits and says why; one that is gone cannot be.
    pub async fn a_mail_is_put_off(backend: Backend) {
        let samples = Samples::default();
        let mail = queue(&backend, QueuedMail { attempts: 7, ..samples.mail(MailKind::Invite) }).await;
        let other = queue(&backend, samples.mail(MailKind::Invite)).await;
        let put_off = async |id: MailId, second: u64, error: &str| {
            commit(&backend, async |transaction| transaction.mail_put_off(id, at(second), error).await).await.unwrap()
        };
        assert!(put_off(mail.id, 40, "451 'später' \u{1F98A}").await);
        assert!(put_off(mail.id, 50, "552 full").await);
        assert!(!put_off(samples.mail_id(), 50, "552 full").await);
        assert_eq!(due(&backend, at(49)).await, from_ref(&other));
        let waiting = QueuedMail { not_before: at(50), last_error: Some("552 full".to_owned()), ..mail };
        assert_eq!(due(&backend, at(50)).await, [other, waiting]);
    }

    /// A mail is removed once, and then neither claimed nor put off.
    pub async fn a_mail_is_removed_once(backend: Backend) {
        let samples = Samples::default();
        let mail = queue(&backend, samples.mail(MailKind::Invite)).await;
        let other = queue(&backend, samples.mail(MailKind::Invite)).await;
        let remove =
            async || commit(&backend, async |transaction| transaction.mail_remove(mail.id).await).await.unwrap();
        assert!(remove().await);
        assert!(!remove().await);
        assert!(!claim(&backend, mail.id, 0, at(30)).await);
        let put_off = commit(&backend, async |transaction| transaction.mail_put_off(mail.id, at(1), "late").await);
        assert!(!put_off.await.unwrap());
        assert_eq!(due(&backend, at(99)).await, [other]);
    }

    /// A wish of every kind comes back as it was, with everything and with nothing that can be left out.
    pub async fn a_wish_of_every_kind_comes_back(backend: Backend) {
        let samples = Samples::default();
        let mut written = Vec::new();
        for &kind in MailRequestKind::ALL {
            written.push(wish(&backend, MailRequest { kind, ..samples.mail_request(0) }).await);
            written.push(wish(&backend, MailRequest { kind, ..samples.full_mail_request(0) }).await);
        }
        assert_eq!(wishes(&backend, PageSize::MAX).await, written);
    }

    /// An address of the greatest length, and the most languages of the greatest length, have room.
    pub async fn the_longest_wish_has_room(backend: Backend) {
        let label = "x".repeat(61);
        let email = format!("{}@{label}.{label}.{label}.abc", "y".repeat(64));
        let languages: Vec<_> = ('a'..='h').map(|c| c.to_string().repeat(35)).collect();
        let longest = MailRequest {
            email: EmailAddress::parse(&email).unwrap(),
            languages: Languages::parse(&languages.join(",")),
            ..Samples::default().mail_request(0)
        };
        assert_eq!(longest.email.as_str().len(), EmailAddress::MAX_LENGTH);
        let longest = wish(&backend, longest).await;
        assert_eq!(wishes(&backend, PageSize::MAX).await, [longest]);
    }

    /// Wishes come in the order in which they were uttered, those of one moment by their ids, and not more than
    /// were asked for.
    pub async fn wishes_come_in_order(backend: Backend) {
        let samples = Samples::default();
        let last = wish(&backend, samples.mail_request(9)).await;
        let first = wish(&backend, samples.mail_request(1)).await;
        let [earlier_id, later_id] = [samples.mail_request(5), samples.mail_request(5)];
        let later_id = wish(&backend, later_id).await;
        let earlier_id = wish(&backend, earlier_id).await;
        let in_order = [first, earlier_id, later_id, last];
        assert_eq!(wishes(&backend, PageSize::MAX).await, in_order);
        assert_eq!(wishes(&backend, PageSize::new(3).unwrap()).await, in_order[..3]);
    }

    /// Of sixteen who remove a wish at once one does it, and no other wish is touched.
    pub async fn of_many_who_remove_a_wish_one_does(backend: Backend) {
        let samples = Samples::default();
        let other = wish(&backend, samples.mail_request(0)).await;
        for round in 0..ROUNDS {
            let request = wish(&backend, samples.mail_request(0)).await;
            let contenders = (0..16).map(|_| {
                let (backend, id) = (backend.clone(), request.id);
                async move || remove_wish(&backend, id).await
            });
            let winners = race(contenders).await.into_iter().filter(|&removed| removed).count();
            assert_eq!(winners, 1, "round {round}");
            assert!(!remove_wish(&backend, request.id).await);
        }
        assert_eq!(wishes(&backend, PageSize::MAX).await, [other]);
    }

    /// What is not committed has not happened, neither to mails nor to wishes; the transaction sees it.
    pub async fn mails_that_are_not_committed_are_none(backend: Backend) {
        let samples = Samples::default();
        let mail = queue(&backend, samples.mail(MailKind::Invite)).await;
        let request = wish(&backend, samples.mail_request(0)).await;
        let (new_mail, new_request) = (samples.mail(MailKind::SignUp), samples.mail_request(1));
        let transaction = backend.begin().await.unwrap();
        transaction.mail_insert(&new_mail).await.unwrap();
        transaction.mail_request_insert(&new_request).await.unwrap();
        assert!(transaction.mail_claim(mail.id, 0, at(30)).await.unwrap());
        assert!(transaction.mail_put_off(mail.id, at(30), "late").await.unwrap());
        assert!(transaction.mail_remove(mail.id).await.unwrap());
        assert!(transaction.mail_request_remove(request.id).await.unwrap());
        assert_eq!(transaction.mail_due(at(99), PageSize::MAX).await.unwrap(), [new_mail]);
        assert_eq!(transaction.mail_request_page(PageSize::MAX).await.unwrap(), [new_request]);
        drop(transaction);
        assert_eq!(due(&backend, at(99)).await, [mail]);
        assert_eq!(wishes(&backend, PageSize::MAX).await, [request]);
    }
});

async fn queue(backend: &Backend, mail: QueuedMail) -> QueuedMail {
    commit(backend, async |transaction| transaction.mail_insert(&mail).await).await.unwrap();
    mail
}

async fn due(backend: &Backend, now: Timestamp) -> Vec<QueuedMail> {
    backend.mail_due(now, PageSize::MAX).await.unwrap()
}

async fn claim(backend: &Backend, id: MailId, attempts: u32, until: Timestamp) -> bool {
    commit(backend, async |transaction| transaction.mail_claim(id, attempts, until).await).await.unwrap()
}

async fn wish(backend: &Backend, request: MailRequest) -> MailRequest {
    commit(backend, async |transaction| transaction.mail_request_insert(&request).await).await.unwrap();
    request
}

async fn wishes(backend: &Backend, size: PageSize) -> Vec<MailRequest> {
    backend.mail_request_page(size).await.unwrap()
}

async fn remove_wish(backend: &Backend, id: MailRequestId) -> bool {
    commit(backend, async |transaction| transaction.mail_request_remove(id).await).await.unwrap()
}
