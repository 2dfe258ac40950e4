//! The configured access to a model's endpoint: headers, authentication scheme, and allowed networks.

use http::{HeaderName, Uri};

use crate::config::providers::{Found, ProviderConfig};
use crate::config::{Config, ProviderApi, ProviderAuth};
use crate::credential::{Access, AuthScheme, OwnHeader, ReferenceFailure, carries_credential, doubt_of_header};
use crate::error::{Error, ErrorKind, Shown};
use crate::id::{ModelRef, ProviderId, shown_name};
use crate::net::{Place, PlainHttp, checked};
use crate::secret::Secret;
use crate::syntax::KeyPath;

/// A configured header: its key below the provider, its name, and its value.
pub(super) type Placed<'a> = (&'static str, &'a str, Found<'a>);

impl ProviderConfig {
    /// Returns every configured header of requests for a model. Later ones win.
    pub(super) fn all_headers(&self, model: Option<&str>) -> impl Iterator<Item = Placed<'_>> {
        let own = model.into_iter().flat_map(|model| self.configured_model_headers(model));
        let own = own.map(|(name, value)| ("models[].headers", name, value));
        let of_requests = self.configured_request_headers().map(|(name, value)| ("request.headers", name, value));
        let headers = self.configured_headers().map(|(name, value)| ("headers", name, value));
        headers.chain(own).chain(of_requests)
    }

    /// Returns the base URL of requests for a model.
    pub(super) fn url(&self, model: Option<&str>) -> Option<&str> {
        model.and_then(|model| self.model_base_url(model)).or(self.base_url())
    }

    /// Returns `true` for a server that needs no credential: it is on this machine or in a private network, and the
    /// configuration has no key for it. OpenClaw sends a made-up key there.
    fn is_open_server(&self, model: Option<&str>) -> bool {
        let may_be_open = matches!(self.auth(), None | Some(ProviderAuth::ApiKey)) && !self.has_api_key();
        let uri = self.url(model).and_then(|url| url.trim().parse::<Uri>().ok());
        let place = uri.as_ref().and_then(Uri::host).map(Place::of);
        may_be_open && matches!(place, Some(Place::Loopback | Place::Private))
    }
}

impl Config {
    /// Returns the configured access to a model's endpoint, or without a model, to the provider's.
    pub(crate) fn access(&self, provider: &ProviderId, model: Option<&str>) -> Access {
        let Some(settings) = self.provider(provider) else { return Access::default() };
        let mut access = Access { private_network: settings.allows_private_network(), ..Access::default() };
        let api = model.and_then(|model| settings.model_api(model)).or(settings.api());
        access.speaks_messages = api == Some(ProviderApi::AnthropicMessages);
        if settings.auth_header() == Some(true) {
            access.scheme = Some(AuthScheme::Bearer);
        }
        let prefix = KeyPath::root().key("models").key("providers").key(provider.as_str()).to_string();
        let is_judged = self.selector.rules().refuse_implausible;
        let own = |name: HeaderName, value: Result<Secret, ReferenceFailure>, key_path| {
            let found = value.as_ref().ok().filter(|_| is_judged);
            let refused = found.and_then(|value| doubt_of_header(name.as_str(), value));
            OwnHeader { name, value, refused, key_path }
        };
        for (place, name, value) in settings.all_headers(model) {
            let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            if carries_credential(name) {
                let key_path = format!("{prefix}.{place}.{}", Shown::new(shown_name(name)));
                put(&mut access.headers, own(header, value.cloned(), key_path));
            }
        }
        if let Some(auth) = settings.request_auth() {
            if auth.takes_out_authorization {
                access.headers.retain(|own| own.name != http::header::AUTHORIZATION);
            }
            let key_path = format!("{prefix}.request.auth.{}", auth.key);
            put(&mut access.headers, own(auth.name.clone(), auth.value(), key_path));
        }
        access
    }

    /// Returns the access to a model's endpoint.
    pub(crate) fn model_access(&self, model: &ModelRef) -> Access {
        self.access(model.provider(), Some(model.model()))
    }

    /// Returns the base URLs to which a credential would be sent over plain HTTP without permission, each with its key
    /// path and its error.
    pub(crate) fn insecure_urls(&self) -> Vec<(String, Error)> {
        let mut found = Vec::new();
        for (provider, settings) in self.providers() {
            let of_provider = || KeyPath::root().key("models").key("providers").key(provider.written());
            let own = settings.base_url().map(|url| (url, None, of_provider().key("baseUrl").to_string()));
            let of_models = settings.models().filter_map(|model| {
                let place = format!("{}.models[{:?}].baseUrl", of_provider(), Shown::new(model));
                Some((settings.model_base_url(model)?, Some(model), place))
            });
            for (url, model, place) in own.into_iter().chain(of_models) {
                let access = self.access(provider, model);
                let plain = match access.private_network {
                    Some(true) => PlainHttp::PrivateNetwork,
                    None if access.headers.is_empty() && settings.is_open_server(model) => PlainHttp::WithoutCredential,
                    None | Some(false) => PlainHttp::Loopback,
                };
                if let Err(error) = checked(url, plain)
                    && error.kind() == ErrorKind::InsecureTransport
                {
                    found.push((place, error));
                }
            }
        }
        found
    }

    /// Returns `true` if requests for a model can go without a stored credential: a configured header authenticates, or
    /// the server needs none.
    pub(super) fn needs_no_credential(&self, provider: &ProviderId, model: Option<&str>) -> bool {
        let Some(settings) = self.provider(provider) else { return false };
        settings.is_open_server(model) || !self.access(provider, model).headers.is_empty()
    }
}

/// Adds a header, replacing the one of the same name.
fn put(headers: &mut Vec<OwnHeader>, header: OwnHeader) {
    headers.retain(|own| own.name != header.name);
    headers.push(header);
}
