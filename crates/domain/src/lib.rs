#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod activity;
mod actor;
mod client;
mod clock;
mod error;
mod ids;
mod languages;
mod mail;
mod names;
mod one_time_token;
mod page;
mod password_policy;
mod permission;
mod role;
mod rotation;
mod secrets;
mod session;
mod signing_key;
mod user;

pub use activity::{Action, ActivityEntry, ActivityFilter, ActivityPlace, Details, Outcome};
pub use actor::{Actor, Denied, Principal};
pub use client::{ClientInfo, RequestId};
pub use clock::{Clock, MockClock, Timestamp};
pub use error::{Fault, FaultCode, FieldFault, ValidationError};
pub use ids::{
    ActivityId, IdSource, MailId, MailRequestId, OneTimeTokenId, ParseIdError, SequentialIds, SessionId, TokenId,
    UserId,
};
pub use languages::Languages;
pub use mail::{MailBacklog, MailKind, MailRequest, MailRequestKind, QueuedMail};
pub use names::{
    EmailAddress, ExternalId, FullName, FullNameStyle, Identifier, Metadata, NamePolicy, Username, UsernameOrigin,
};
pub use one_time_token::{OneTimeToken, PendingSignUp, TokenKind, TokenPurpose};
pub use page::{
    Direction, InvalidPageSize, Match, Page, PageSize, SearchField, SearchPrefix, StatusFilter, UserFilter, UserOrder,
};
pub use password_policy::{CharacterClass, PasswordContext, PasswordPolicy};
pub use permission::{Permission, Permissions, permissions};
pub use role::{Role, RoleChanges, RoleDescription, RoleName};
pub use rotation::{Rotation, RotationPolicy, RotationVerdict};
pub use secrets::{PasswordHash, PlainPassword, PlainToken, TokenHash};
pub use session::{Amr, Revocation, RevokeReason, Session};
pub use signing_key::{KeyState, SealedKey, SigningAlgorithm, SigningKeyRecord};
pub use user::{NewUser, User, UserChanges, UserInDB, UserScope, UserStatus};
