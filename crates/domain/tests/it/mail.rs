use std::time::Duration;

use usher_domain::{
    MailKind, MailRequestKind, OneTimeToken, OneTimeTokenId, PendingSignUp, Timestamp, TokenHash, TokenKind,
    TokenPurpose, UserId,
};
use uuid::Uuid;

#[test]
fn every_kind_reads_back_from_its_name() {
    for &kind in MailKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    for &kind in MailRequestKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    for &kind in TokenKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert!("nothing".parse::<MailKind>().is_err());
}

#[test]
fn every_token_has_a_mail_of_its_name() {
    for &kind in TokenKind::ALL {
        assert_eq!(MailKind::from(kind).as_str(), kind.as_str());
    }
}

#[test]
fn only_a_sign_up_is_for_no_account() {
    let user = UserId::from_uuid(Uuid::from_u128(7));
    let (username, email) = ("ada".parse().unwrap(), "ada@example.org");
    let sign_up = PendingSignUp { username, email: email.parse().unwrap(), full_name: None };
    for (purpose, kind, expected) in [
        (TokenPurpose::SignUp(sign_up), TokenKind::SignUp, None),
        (TokenPurpose::VerifyEmail { user, email: email.parse().unwrap() }, TokenKind::VerifyEmail, Some(user)),
        (TokenPurpose::ChangeEmail { user, email: email.parse().unwrap() }, TokenKind::ChangeEmail, Some(user)),
        (TokenPurpose::ResetPassword { user }, TokenKind::ResetPassword, Some(user)),
        (TokenPurpose::Invite { user }, TokenKind::Invite, Some(user)),
    ] {
        assert_eq!((purpose.kind(), purpose.user()), (kind, expected));
    }
}

#[test]
fn a_token_is_good_before_it_expires() {
    let expires_at = Timestamp::from_micros(1_893_499_200_123_456);
    let token = OneTimeToken {
        id: OneTimeTokenId::from_uuid(Uuid::nil()),
        hash: TokenHash([0; 32]),
        purpose: TokenPurpose::Invite { user: UserId::from_uuid(Uuid::nil()) },
        expires_at,
        created_at: Timestamp::UNIX_EPOCH,
    };
    assert!(token.is_valid(expires_at - Duration::from_micros(1)));
    assert!(!token.is_valid(expires_at));
}
