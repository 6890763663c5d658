//! What mails are for: proving an address, and setting a password without the old one.

use actix_web::http::StatusCode;

use super::State;
use crate::{
    dto::{EmailVerification, MailRequest, PasswordReset, UserRead, VerificationRequest},
    envelope::Answer,
    error::{ApiError, ErrorCode},
    extract::{Client, CurrentUser, OptionalJson, ValidJson},
    openapi::{Operation, Scheme, Tag},
};

pub(super) fn request_verification_docs() -> Operation {
    docs_of_request("Ask for a mail to prove one's address with")
        .describes(
            "For one's own account, or for the account that has this address. The answer is the same whether there is \
             one, and whether its address is proven already.",
        )
        .may_show(&[Scheme::Bearer])
        .may_take::<VerificationRequest>()
        .refuses(&[ErrorCode::Unauthenticated, ErrorCode::PasswordChangeRequired])
}

pub(super) async fn request_verification(
    state: State,
    caller: CurrentUser<OptionalJson<VerificationRequest>>,
) -> Result<Answer, ApiError> {
    let CurrentUser { actor, input: OptionalJson(body) } = caller;
    state.mailbox.request_verification_by(&actor, body.unwrap_or_default().email.as_deref()).await?;
    Answer::accepted()
}

/// The same for somebody who is not signed in.
pub(super) async fn request_verification_of(
    state: State,
    Client(client): Client,
    ValidJson(body): ValidJson<MailRequest>,
) -> Result<Answer, ApiError> {
    state.mailbox.request_verification(&body.email, &client).await?;
    Answer::accepted()
}

pub(super) fn verify_email_docs() -> Operation {
    Operation::new::<UserRead<'_>>(Tag::Authentication, "Prove an address", StatusCode::OK)
        .describes(
            "With the token of a mail: that the address of an account is its owner's, or the one that it is to have, \
             which is in force from now on. The token of a sign-up makes the account, and needs its password. After \
             a refusal other than `INVALID_OR_EXPIRED_TOKEN` the token is as good as before.",
        )
        .takes::<EmailVerification>()
        .versioned()
        .refuses(&[
            ErrorCode::InvalidOrExpiredToken,
            ErrorCode::UsernameTaken,
            ErrorCode::EmailTaken,
            ErrorCode::WeakPassword,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
            ErrorCode::Unavailable,
        ])
}

pub(super) async fn verify_email(
    state: State,
    Client(client): Client,
    ValidJson(body): ValidJson<EmailVerification>,
) -> Result<Answer, ApiError> {
    let user = state.mailbox.verify_email(&body.token, body.password, &client).await?;
    Answer::ok(&UserRead::from(&user))?.with_version(user.version)
}

pub(super) fn request_reset_docs() -> Operation {
    docs_of_request("Ask for a mail to set another password with")
        .describes("The answer is the same whether an account has the address. The mail goes to the one that it has.")
        .takes::<MailRequest>()
}

pub(super) async fn request_reset(
    state: State,
    Client(client): Client,
    ValidJson(body): ValidJson<MailRequest>,
) -> Result<Answer, ApiError> {
    state.mailbox.request_reset(&body.email, &client).await?;
    Answer::accepted()
}

fn docs_of_request(summary: &'static str) -> Operation {
    Operation::accepted(Tag::Authentication, summary).refuses(&[ErrorCode::TooManyAttempts, ErrorCode::Unavailable])
}

pub(super) fn reset_password_docs() -> Operation {
    Operation::without_data(Tag::Authentication, "Set another password with the token of a mail")
        .describes(
            "Of a reset, or of an invitation. Ends all sessions, proves the address, and signs nobody in. After a \
             refusal other than `INVALID_OR_EXPIRED_TOKEN` the token is as good as before.",
        )
        .takes::<PasswordReset>()
        .refuses(&[
            ErrorCode::InvalidOrExpiredToken,
            ErrorCode::WeakPassword,
            ErrorCode::TooManyAttempts,
            ErrorCode::Busy,
            ErrorCode::Unavailable,
        ])
}

pub(super) async fn reset_password(
    state: State,
    Client(client): Client,
    ValidJson(body): ValidJson<PasswordReset>,
) -> Result<Answer, ApiError> {
    state.mailbox.reset_password(&body.token, body.new_password, &client).await?;
    Answer::ok(&())
}
