//! Who may do what: permissions, the roles that bundle them, and the actor who is asked for them.

use std::{borrow::Cow, collections::BTreeSet, fmt, net::IpAddr, sync::Arc};

use serde::{Serialize, Serializer};

use crate::{Fault, FaultCode, IdSource, Languages, SessionId, Timestamp, User, UserId, names::name_type};

/// The right to do one kind of thing: `area:verb`, each `[a-z][a-z0-9_-]{0,49}`.
///
/// Ours are the constants of [`permissions`]; any other is for services downstream, which find it in
/// the access token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(Cow<'static, str>);

impl Permission {
    /// Reads a permission.
    ///
    /// # Errors
    /// [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let well_formed = text.split_once(':').is_some_and(|(area, verb)| is_slug(area, 1, 50) && is_slug(verb, 1, 50));
        if !well_formed {
            return Err(Fault::new(
                FaultCode::InvalidFormat,
                "must be of the form area:verb, each a lower-case letter and then letters, digits, _ or -",
            ));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The permission on the wire and in the token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

name_type!(Permission);

/// The permissions that usher itself asks for.
pub mod permissions {
    use super::{Cow, Permission};

    macro_rules! built_in {
        ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
            $($(#[$doc])* pub const $name: Permission = Permission(Cow::Borrowed($text));)+
            /// All of them.
            pub const ALL: &[Permission] = &[$($name),+];
        };
    }

    built_in! {
        /// See all accounts and their sessions.
        USERS_READ = "users:read",
        /// Create, change and deactivate accounts, end their sessions, set their passwords.
        USERS_WRITE = "users:write",
        /// Delete accounts softly and restore them.
        USERS_DELETE = "users:delete",
        /// Delete accounts for ever.
        USERS_PURGE = "users:purge",
        /// See roles and permissions.
        ROLES_READ = "roles:read",
        /// Create, change and delete roles.
        ROLES_WRITE = "roles:write",
        /// Give roles to users and take them away.
        ROLES_ASSIGN = "roles:assign",
        /// See the activity log of everybody.
        ACTIVITY_READ = "activity:read",
    }
}

/// What somebody may do, over all roles that he has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// Everything, also what is added later: the role `admin`.
    All,
    /// These and no more.
    Only(BTreeSet<Permission>),
}

impl Permissions {
    /// Whether this one is among them.
    #[must_use]
    pub fn allow(&self, permission: &Permission) -> bool {
        match self {
            Self::All => true,
            Self::Only(held) => held.contains(permission),
        }
    }

    /// Whether all of the other's are among them: the rule against escalation.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(held), Self::Only(wanted)) => wanted.is_subset(held),
        }
    }

    /// The union over some roles.
    pub fn of_roles<'a>(roles: impl IntoIterator<Item = &'a Role>) -> Self {
        roles.into_iter().fold(Self::default(), |held, role| held.and(&role.permissions()))
    }

    fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(mut held), Self::Only(more)) => {
                held.extend(more.iter().cloned());
                Self::Only(held)
            }
            (Self::All, _) | (_, Self::All) => Self::All,
        }
    }
}

impl Default for Permissions {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// The name of a role: `[a-z][a-z0-9_-]{1,49}`; it is its own key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(Cow<'static, str>);

impl RoleName {
    /// The role with every permission, which cannot be changed or deleted.
    pub const ADMIN: Self = Self(Cow::Borrowed("admin"));
    /// The role that everybody is given by default.
    pub const USER: Self = Self(Cow::Borrowed("user"));

    /// Reads a role name.
    ///
    /// # Errors
    /// [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if !is_slug(text, 2, 50) {
            return Err(Fault::new(
                FaultCode::InvalidFormat,
                "must have 2 to 50 characters: a lower-case letter, then letters, digits, _ or -",
            ));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

name_type!(RoleName);

fn is_slug(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// A named bundle of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, and its key.
    pub name: RoleName,
    /// What it is for, in a sentence.
    pub description: String,
    /// What is granted. For [`RoleName::ADMIN`] this is not looked at: it has everything.
    pub granted: BTreeSet<Permission>,
    /// Made by usher, not by a person.
    pub built_in: bool,
    /// Raised by every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Role {
    /// The two roles that every fresh database holds.
    #[must_use]
    pub fn built_in(at: Timestamp) -> [Self; 2] {
        [
            (RoleName::ADMIN, "Every permission, also those added later."),
            (RoleName::USER, "Nothing beyond one's own account until permissions are added."),
        ]
        .map(|(name, description)| Self {
            name,
            description: description.to_owned(),
            granted: BTreeSet::new(),
            built_in: true,
            version: 1,
            created_at: at,
            updated_at: at,
        })
    }

    /// What its holders may do.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        if self.name == RoleName::ADMIN { Permissions::All } else { Permissions::Only(self.granted.clone()) }
    }
}

/// The id that follows a request through answer, log and activity entry: 1-64 of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Takes an id of that form; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// A new id from the given source.
    pub fn generate(ids: &dyn IdSource) -> Self {
        Self(ids.next_uuid().to_string())
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Where a request came from, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address, behind trusted proxies too.
    pub ip: Option<IpAddr>,
    user_agent: Option<String>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
    /// Whether a proxy, trusted or not, says that it passed the request on.
    pub forwarded: bool,
    accept_language: Option<String>,
}

impl ClientInfo {
    /// The most characters of a user agent that are kept.
    pub const USER_AGENT_LENGTH: usize = 256;

    /// The longest `Accept-Language` that is looked at.
    const ACCEPT_LANGUAGE_LENGTH: usize = 256;

    /// Puts the facts together. Of the user agent the first 256 characters are kept, without control
    /// characters.
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>, request_id: Option<RequestId>) -> Self {
        let user_agent =
            user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(Self::USER_AGENT_LENGTH).collect());
        Self { ip, user_agent, request_id, ..Self::default() }
    }

    /// The same, with the `Accept-Language` of the request. Of one that is longer than 256 bytes nothing is
    /// kept.
    #[must_use]
    pub fn accepting(mut self, language: Option<&str>) -> Self {
        self.accept_language = language.filter(|text| text.len() <= Self::ACCEPT_LANGUAGE_LENGTH).map(str::to_owned);
        self
    }

    /// The languages that the client asks for.
    #[must_use]
    pub fn languages(&self) -> Languages {
        self.accept_language.as_deref().map(Languages::parse).unwrap_or_default()
    }

    /// The same, passed on by a proxy.
    #[must_use]
    pub fn forwarded(mut self, forwarded: bool) -> Self {
        self.forwarded = forwarded;
        self
    }

    /// What the client says it is.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

/// On whose behalf something is done, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    principal: Principal,
    client: ClientInfo,
}

/// Who an [`Actor`] is.
#[derive(Debug, Clone)]
pub enum Principal {
    /// The command line, a job, or a service that has usher built in.
    System,
    /// Somebody who is signed in, as the database has him (at most one second old).
    User {
        /// The account.
        user: Arc<User>,
        /// The login that he acts through.
        session: SessionId,
    },
}

/// Why an actor may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// His password must be changed before anything else.
    #[error("the password must be changed first")]
    PasswordChangeRequired,
    /// He lacks the permission.
    #[error("this needs a permission that the actor does not have")]
    Forbidden,
}

impl Actor {
    /// The system itself; it may do everything.
    #[must_use]
    pub fn system() -> Self {
        Self { principal: Principal::System, client: ClientInfo::default() }
    }

    /// A user who is signed in.
    #[must_use]
    pub fn user(user: Arc<User>, session: SessionId, client: ClientInfo) -> Self {
        Self { principal: Principal::User { user, session }, client }
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the request came from.
    #[must_use]
    pub fn client(&self) -> &ClientInfo {
        &self.client
    }

    /// The user's id; none for the system.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match &self.principal {
            Principal::System => None,
            Principal::User { user, .. } => Some(user.id),
        }
    }

    /// The login that the user acts through; none for the system.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match &self.principal {
            Principal::System => None,
            Principal::User { session, .. } => Some(*session),
        }
    }

    /// Whether the actor is this user.
    #[must_use]
    pub fn is(&self, user: UserId) -> bool {
        self.user_id() == Some(user)
    }

    /// Asks whether the actor may do anything at all beyond changing his password.
    ///
    /// # Errors
    /// [`Denied::PasswordChangeRequired`].
    pub fn require_settled(&self) -> Result<(), Denied> {
        match &self.principal {
            Principal::User { user, .. } if user.must_change_password => Err(Denied::PasswordChangeRequired),
            Principal::User { .. } | Principal::System => Ok(()),
        }
    }

    /// Asks for a permission; a password that must be changed comes before any permission.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn require(&self, permission: &Permission) -> Result<(), Denied> {
        self.require_settled()?;
        match &self.principal {
            Principal::System => Ok(()),
            Principal::User { user, .. } if user.permissions.allow(permission) => Ok(()),
            Principal::User { .. } => Err(Denied::Forbidden),
        }
    }

    /// Asks that everything another may do, the actor may too: the rule against escalation.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn require_cover(&self, other: &Permissions) -> Result<(), Denied> {
        self.require_settled()?;
        match &self.principal {
            Principal::System => Ok(()),
            Principal::User { user, .. } if user.permissions.cover(other) => Ok(()),
            Principal::User { .. } => Err(Denied::Forbidden),
        }
    }
}
