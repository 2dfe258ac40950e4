//! The interface to the token endpoint.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::credential::Tokens;
use crate::error::Result;
use crate::id::{ProfileId, ProviderId};
use crate::secret::Secret;

/// The future that [`TokenRefresher::refresh`] returns.
pub type RefreshFuture<'a> = Pin<Box<dyn Future<Output = Result<Tokens>> + Send + 'a>>;

/// A client of a provider's token endpoint, which spends refresh tokens.
///
/// One call is one request, without retries and without writing anything. The
/// [`RefreshCoordinator`](crate::refresh::RefreshCoordinator) decides when to call it and what to do with the result.
/// Its blocking methods call it without a tokio runtime. This crate contains no endpoint and no client id.
/// `RefreshTokenGrant` (feature `client`) implements the standard grant.
///
/// # Examples
///
/// ```
/// use provider_auth::{ProfileId, ProviderId, Secret};
/// use provider_auth::credential::Tokens;
/// use provider_auth::refresh::{RefreshFuture, TokenRefresher};
///
/// /// A client of your own login service.
/// #[derive(Debug)]
/// struct OwnService;
///
/// impl TokenRefresher for OwnService {
///     fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _spent: &'a Secret) -> RefreshFuture<'a> {
///         Box::pin(async { Ok(Tokens::new(Secret::new("access")).refresh(Secret::new("next"))) })
///     }
/// }
/// ```
pub trait TokenRefresher: fmt::Debug + Send + Sync {
    /// Spends the refresh token of a profile.
    ///
    /// # Errors
    ///
    /// [`RefreshDenied`](crate::ErrorKind::RefreshDenied) only if the endpoint permanently refused this very token
    /// (`invalid_grant`): it is then never sent again. Any other kind counts as temporary. The error's text must be
    /// safe to show.
    fn refresh<'a>(
        &'a self,
        profile: &'a ProfileId,
        provider: &'a ProviderId,
        refresh_token: &'a Secret,
    ) -> RefreshFuture<'a>;
}

impl<T: TokenRefresher + ?Sized> TokenRefresher for Arc<T> {
    fn refresh<'a>(
        &'a self,
        profile: &'a ProfileId,
        provider: &'a ProviderId,
        refresh_token: &'a Secret,
    ) -> RefreshFuture<'a> {
        (**self).refresh(profile, provider, refresh_token)
    }
}
