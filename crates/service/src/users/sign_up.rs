use usher_domain::{
    EmailAddress, Fault, FaultCode, NewUser, PendingSignUp, PlainPassword, UsernameOrigin, ValidationError,
};

use super::{UserDraft, UsersError, UsersManager};
use crate::Failure;

impl UsersManager {
    /// Whether somebody may be called so who names himself, and all else that is wrong with his wish.
    /// Nothing is looked up.
    pub(crate) fn check_sign_up(&self, draft: UserDraft) -> Result<(NewUser, PlainPassword), UsersError> {
        let (user, password) = self.check_draft(draft, UsernameOrigin::Oneself, &[])?;
        let required = || ValidationError::of("password", Fault::new(FaultCode::Required, "is required"));
        Ok((user, password.ok_or_else(required)?))
    }

    /// The same for an account that is only made once its address is proven, and gets its password then.
    pub(crate) fn check_pending_sign_up(&self, draft: &UserDraft) -> Result<PendingSignUp, UsersError> {
        let mut faults = ValidationError::default();
        let names = &self.settings.names;
        let username = faults.check("username", names.username(&draft.username, UsernameOrigin::Oneself));
        let email = match &draft.email {
            Some(text) => faults.check("email", EmailAddress::parse(text)),
            None => {
                faults.push("email", Fault::new(FaultCode::Required, "is required"));
                None
            }
        };
        let full_name = draft.full_name.as_ref().and_then(|text| faults.check("full_name", names.full_name(text)));
        let (Some(username), Some(email)) = (username, email) else { return Err(UsersError::Invalid(faults)) };
        faults.into_result()?;
        Ok(PendingSignUp { username, email, full_name })
    }

    /// The account that was pending, with the password that its owner chose.
    pub(crate) async fn account_of(
        &self,
        wish: &PendingSignUp,
        password: Option<PlainPassword>,
    ) -> Result<NewUser, UsersError> {
        let draft = UserDraft {
            username: wish.username.to_string(),
            email: Some(wish.email.to_string()),
            email_verified: true,
            full_name: wish.full_name.as_ref().map(ToString::to_string),
            password,
            must_change_password: Some(false),
            ..UserDraft::default()
        };
        let (user, password) = self.check_sign_up(draft)?;
        self.with_password(user, password).await
    }

    /// Hashes the password of an account that is to be made.
    pub(crate) async fn with_password(&self, user: NewUser, password: PlainPassword) -> Result<NewUser, UsersError> {
        let hash = self.hasher.hash(password).await.map_err(Failure::from)?;
        Ok(NewUser { password_hash: Some(hash), ..user })
    }
}
