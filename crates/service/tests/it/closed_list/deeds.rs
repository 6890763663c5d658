use usher_domain::{Action, Outcome};

/// Something that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Create,
    SignUp,
    Register,
    CompleteSignUp,
    Invite,
    Update,
    UpdateOneself,
    Deactivate,
    Activate,
    Delete,
    Leave,
    Restore,
    Purge,
    PurgeExpired,
    SetRoles,
    DeleteHeldRole,
    Login,
    LoginWrongly,
    LoginAsNobody,
    Logout,
    LogoutEverywhere,
    Reuse,
    LoginTooOften,
    SignUpTooOften,
    RefreshTooOften,
    AskMailTooOften,
    ConfirmTooOften,
    GuessOwnPasswordTooOften,
    TryForbidden,
    EndSession,
    EndAllSessions,
    LoginInstead,
    ChangePassword,
    ChangePasswordWrongly,
    SetPassword,
    AskReset,
    SendReset,
    Reset,
    AcceptInvitation,
    Export,
    LoseMail,
    AskOtherAddress,
    ProveOtherAddress,
    TakeOtherAddress,
    ProveAddress,
    CreateRole,
    UpdateRole,
    DeleteRole,
    LetNextKeySign,
    ReplaceKeys,
    Bootstrap,
}

/// An entry as it is expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) action: Action,
    pub(super) actor: Who,
    pub(super) subject: Who,
    pub(super) outcome: Outcome,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    /// The administrator.
    Root,
    /// Somebody with an address.
    Ada,
    /// Somebody whom the deed makes, or who was just invited.
    Eve,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A request: address, user agent and id are known.
    Request,
    /// A request that was answered later: its user agent is not kept.
    EarlierRequest,
    /// No request: the system itself.
    System,
}

impl Written {
    const fn new(action: Action, actor: Who, subject: Who) -> Self {
        Self { action, actor, subject, outcome: Outcome::Success, origin: Origin::Request }
    }

    const fn failed(self) -> Self {
        Self { outcome: Outcome::Failure, ..self }
    }

    const fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}

/// Every deed that an action names, and all that the deed leaves in the log.
pub(super) fn deeds(action: Action) -> Vec<(Deed, Vec<Written>)> {
    use Who::{Ada, Eve, Nobody, Root};
    let entry = |actor, subject| Written::new(action, actor, subject);
    let one = |deed, entry| (deed, vec![entry]);
    match action {
        Action::UserCreated => vec![one(Deed::Create, entry(Root, Eve))],
        Action::UserSignedUp => vec![
            // It signs him in as well.
            (Deed::SignUp, vec![entry(Eve, Eve), Written::new(Action::AuthLogin, Eve, Eve)]),
            one(Deed::Register, entry(Eve, Eve)),
            one(Deed::CompleteSignUp, entry(Eve, Eve)),
        ],
        Action::UserInvited => vec![one(Deed::Invite, entry(Root, Eve))],
        Action::UserUpdated => vec![one(Deed::Update, entry(Root, Ada)), one(Deed::UpdateOneself, entry(Ada, Ada))],
        Action::UserDeactivated => vec![one(Deed::Deactivate, entry(Root, Ada))],
        Action::UserActivated => vec![one(Deed::Activate, entry(Root, Ada))],
        Action::UserDeleted => vec![one(Deed::Delete, entry(Root, Ada)), one(Deed::Leave, entry(Ada, Ada))],
        Action::UserRestored => vec![one(Deed::Restore, entry(Root, Ada))],
        Action::UserPurged => {
            vec![one(Deed::Purge, entry(Root, Ada)), one(Deed::PurgeExpired, entry(Nobody, Ada).from(Origin::System))]
        }
        Action::UserRolesChanged => vec![
            one(Deed::SetRoles, entry(Root, Ada)),
            // Each who held it is told of.
            (Deed::DeleteHeldRole, vec![entry(Root, Ada), Written::new(Action::RoleDeleted, Root, Nobody)]),
        ],
        Action::AuthLogin => vec![
            one(Deed::Login, entry(Ada, Ada)),
            one(Deed::LoginWrongly, entry(Nobody, Ada).failed()),
            one(Deed::LoginAsNobody, entry(Nobody, Nobody).failed()),
        ],
        Action::AuthLogout => vec![one(Deed::Logout, entry(Ada, Ada)), one(Deed::LogoutEverywhere, entry(Ada, Ada))],
        Action::AuthRefreshReused => vec![one(Deed::Reuse, entry(Nobody, Ada).failed())],
        Action::AuthThrottled => vec![
            one(Deed::LoginTooOften, entry(Nobody, Nobody).failed()),
            one(Deed::SignUpTooOften, entry(Nobody, Nobody).failed()),
            one(Deed::RefreshTooOften, entry(Nobody, Nobody).failed()),
            one(Deed::AskMailTooOften, entry(Nobody, Nobody).failed()),
            one(Deed::ConfirmTooOften, entry(Nobody, Nobody).failed()),
            one(Deed::GuessOwnPasswordTooOften, entry(Ada, Ada).failed()),
        ],
        Action::AuthAccessDenied => vec![one(Deed::TryForbidden, entry(Ada, Nobody).failed())],
        Action::SessionRevoked => vec![
            one(Deed::EndSession, entry(Ada, Ada)),
            one(Deed::EndAllSessions, entry(Root, Ada)),
            // The session that the browser had ends with the login.
            (Deed::LoginInstead, vec![entry(Nobody, Ada), Written::new(Action::AuthLogin, Ada, Ada)]),
        ],
        Action::PasswordChanged => {
            vec![one(Deed::ChangePassword, entry(Ada, Ada)), one(Deed::ChangePasswordWrongly, entry(Ada, Ada).failed())]
        }
        Action::PasswordSet => vec![one(Deed::SetPassword, entry(Root, Ada))],
        Action::PasswordResetRequested => vec![
            one(Deed::AskReset, entry(Nobody, Ada).from(Origin::EarlierRequest)),
            one(Deed::SendReset, entry(Root, Ada)),
        ],
        Action::PasswordReset => vec![one(Deed::Reset, entry(Ada, Ada)), one(Deed::AcceptInvitation, entry(Eve, Eve))],
        Action::UserDataExported => vec![one(Deed::Export, entry(Ada, Ada))],
        Action::MailFailed => vec![one(Deed::LoseMail, entry(Nobody, Ada).failed().from(Origin::System))],
        Action::EmailChangeRequested => vec![one(Deed::AskOtherAddress, entry(Ada, Ada))],
        Action::EmailChanged => {
            vec![one(Deed::ProveOtherAddress, entry(Ada, Ada)), one(Deed::TakeOtherAddress, entry(Ada, Ada))]
        }
        Action::EmailVerified => vec![one(Deed::ProveAddress, entry(Ada, Ada))],
        Action::RoleCreated => vec![one(Deed::CreateRole, entry(Root, Nobody))],
        Action::RoleUpdated => vec![one(Deed::UpdateRole, entry(Root, Nobody))],
        Action::RoleDeleted => vec![one(Deed::DeleteRole, entry(Root, Nobody))],
        Action::KeyRotated => vec![
            one(Deed::LetNextKeySign, entry(Nobody, Nobody).from(Origin::System)),
            one(Deed::ReplaceKeys, entry(Nobody, Nobody).from(Origin::System)),
        ],
        Action::SystemBootstrapped => vec![one(Deed::Bootstrap, entry(Nobody, Eve).from(Origin::System))],
    }
}
