//! What a one-time token is, and that it rests nowhere.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use usher_domain::{Actor, ClientInfo, MailKind, OneTimeToken, PageSize, PlainToken};
use usher_service::MasterKey;
use usher_storage::{MailQueries, OneTimeTokenQueries};

use crate::{
    fixture::PASSWORD,
    post::{ADA, NEW_PASSWORD, Post, token_in},
};

/// Everything that rests, and everything that can be shown, as text.
async fn traces(post: &Post, tokens: &mut Vec<OneTimeToken>) -> String {
    let queue = post.queue().await;
    for id in queue.iter().filter_map(|mail| mail.token) {
        tokens.extend(post.backend.one_time_token_by_id(id).await.unwrap());
    }
    let wishes = post.backend.mail_request_page(PageSize::MAX).await.unwrap();
    let log = post.log().await;
    let facts: Vec<_> = queue.iter().map(|mail| serde_json::to_string(&mail.facts).unwrap()).collect();
    let details: Vec<_> = log.iter().map(|entry| serde_json::to_string(&entry.details).unwrap()).collect();
    let mails = post.mailer.arrived.mails();
    format!("{tokens:?} {queue:?} {wishes:?} {log:?} {facts:?} {details:?} {mails:?} {:?}", post.outbox)
}

/// Proves: RS-02
#[tokio::test]
async fn a_token_rests_nowhere_and_shows_in_nothing() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let actor = post.actor("ada").await;
    post.invited("bob", "bob@example.org").await;
    post.wish("eve", "eve@example.org").await;
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.mailbox.request_verification(ADA, &ClientInfo::default()).await.unwrap();
    let mut rests = Vec::new();
    let mut traces_of = vec![traces(&post, &mut rests).await];
    post.dispatcher.answer_requests().await.unwrap();
    post.users.change_email(&actor, "new@example.org", crate::fixture::password(PASSWORD)).await.unwrap();
    post.mailer.fail("not now");
    post.deliver().await;
    traces_of.push(traces(&post, &mut rests).await);
    post.mailer.heal();
    post.clock.advance(Duration::from_secs(30));
    post.deliver().await;
    traces_of.push(traces(&post, &mut rests).await);

    let mails = post.mailer.arrived.mails();
    let tokens: Vec<_> = mails.iter().filter(|mail| mail.text.contains("#token=")).map(token_in).collect();
    assert_eq!(tokens.len(), 5, "one of each kind");
    for token in &tokens {
        let answer = post.reset(token, NEW_PASSWORD).await;
        traces_of.push(format!("{answer:?}"));
    }
    traces_of.push(traces(&post, &mut rests).await);
    let traces = traces_of.concat();
    assert!(traces.contains(&ada.id.to_string()) && traces.contains(ADA), "it is what it is meant to be");
    for token in &tokens {
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).unwrap();
        let secret = &bytes[16..];
        let in_hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        for written in [token.expose().to_owned(), URL_SAFE_NO_PAD.encode(secret), in_hex, format!("{secret:?}")] {
            assert!(!traces.to_lowercase().contains(&written.to_lowercase()));
        }
        assert!(!format!("{token:?}").contains(token.expose()));
    }
}

/// Proves: RS-02
#[tokio::test]
async fn a_token_is_48_bytes_of_which_32_are_a_secret_of_the_master_key() {
    let key = MasterKey::from_bytes([8; 32]);
    let mut tokens = Vec::new();
    for post in [Post::new().await, Post::new().await, Post::keyed(&key).await] {
        post.ada().await;
        let token = post.reset_token(ADA).await;
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).unwrap();
        assert_eq!((bytes.len(), token.expose().len()), (48, 64));
        tokens.push(bytes);
    }
    assert_eq!(tokens[0], tokens[1], "with the same key the same id gives the same token");
    assert_eq!(tokens[0][..16], tokens[2][..16]);
    let same = tokens[0][16..].iter().zip(&tokens[2][16..]).filter(|(one, other)| one == other).count();
    assert!(same < 8, "with another key another one: {same} of 32 bytes are alike");
}

/// Proves: RS-02
#[tokio::test]
async fn a_token_is_of_no_use_to_somebody_else() {
    let post = Post::new().await;
    post.ada().await;
    post.somebody("bob", "bob@example.org").await;
    let token = post.reset_token("bob@example.org").await;
    post.reset(&token, NEW_PASSWORD).await.unwrap();
    assert!(post.opens("bob", NEW_PASSWORD).await);
    assert!(post.opens("ada", PASSWORD).await);
}

/// Proves: RS-03
#[tokio::test]
async fn three_tokens_are_live_of_each_kind_by_themselves() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let mut mails = Vec::new();
    for _ in 0..3 {
        post.mailbox.request_verification(ADA, &ClientInfo::default()).await.unwrap();
        post.users.send_reset(&Actor::system(), ada.id).await.unwrap();
        post.deliver().await;
        mails.clone_from(&post.mailer.arrived.mails());
    }
    let kind =
        |kind: MailKind| -> Vec<PlainToken> { mails.iter().filter(|mail| mail.kind == kind).map(token_in).collect() };
    for token in kind(MailKind::ResetPassword) {
        assert!(post.is_good(&token).await);
    }
    let [first, ..] = &kind(MailKind::VerifyEmail)[..] else { panic!("there are three") };
    post.verify(first, None).await.unwrap();
}
