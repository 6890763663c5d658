#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod activity;
mod auth;
pub mod blocklist;
mod environment;
mod failure;
mod jobs;
pub mod mail;
mod mailbox;
mod master_key;
pub mod metrics;
mod one_time_tokens;
mod passwords;
mod registration;
mod revocations;
mod roles;
mod sessions;
pub mod throttle;
mod tokens;
mod transact;
mod users;

pub use activity::{ActivityError, ActivityList, ActivityManager};
pub use auth::{AuthError, AuthManager, AuthSettings, LoginRequest, LogoutScope, LogoutTokens, Tokens};
pub use blocklist::{BlockedTokens, BlocklistError, MemoryBlocklist, TokenBlocklist};
pub use environment::{Environment, SystemClock, SystemIds};
pub use failure::Failure;
pub use jobs::{Purger, Sweeper, Swept};
pub use mail::{
    InvalidLinkTemplate, InvalidTemplate, LinkTemplate, Mail, MailDispatcher, MailError, MailLinks, Mailer,
    MemoryMailer, Outbox, Stationery, TemplateOverride, Templates, TokenLifetimes,
};
pub use mailbox::{MailboxError, MailboxManager};
pub use master_key::{DerivedKey, InvalidMasterKey, MasterKey, Purpose};
pub use passwords::{
    HashAlgorithm, HashError, HashStats, PasswordHasher, PasswordSettings, PasswordSettingsError, Pepper, Verification,
};
pub use registration::{RegistrationError, RegistrationManager, RegistrationMode, SignUp, SignUpOutcome};
pub use revocations::{RevocationSettings, Revocations};
pub use roles::{KnownPermission, RoleDraft, RolePatch, RoleUse, RolesError, RolesManager};
pub use sessions::{SessionsError, SessionsManager};
pub use throttle::{Decision, Limit, LimitKey, Limits, MemoryRateLimiter, Pace, RateLimiter, Refusal, Throttle, Try};
pub use tokens::{
    AccessClaims, AccessGrant, AccessToken, InvalidToken, RefreshClaims, RefreshToken, TokenError, TokenIssuer,
    TokenSettings,
};
pub use users::{
    BootstrapAdmin, BootstrapOutcome, ChangePassword, DEFAULT_ADMIN_PASSWORD, EmailChange, PersonalData, Total,
    UserDraft, UserList, UserPatch, UsersError, UsersManager, UsersSettings,
};
