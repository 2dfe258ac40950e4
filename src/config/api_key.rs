//! `apiKey` of a provider's entry: the credential, and warnings about it.

use crate::config::reader::Reader;
use crate::config::{ProviderAuth, ProviderConfig};
use crate::credential::{Credential, CredentialSource, Doubt, InlineCredential, Received, unusual};
use crate::error::DiagnosticCode;
use crate::id::ProviderId;
use crate::net::host;
use crate::syntax::{Node, Value};

impl ProviderConfig {
    /// Returns the credential in `apiKey`, or that of the reference in its place, with findings about the text.
    pub(super) fn inline(&self, provider: &ProviderId) -> Option<(InlineCredential, Received)> {
        let received = Received::new(provider.as_str(), self.api_key()?.expose());
        let secret = Some(received.secret.clone()).filter(|secret| !secret.is_empty())?;
        let credential = match self.auth() {
            Some(ProviderAuth::Token | ProviderAuth::OAuth) => Credential::token(secret, None),
            _ => Credential::api_key(secret),
        };
        Some((InlineCredential::new(credential, CredentialSource::Config), received))
    }

    /// Returns `true` if requests do not go to the host of the provider's own API, so that the shape of its keys is not
    /// known.
    pub(super) fn is_gateway(&self, provider: &ProviderId) -> bool {
        let own = provider.known().and_then(|known| host(known.base_url()?));
        let is_other = |url: &str| match (host(url.trim()), own) {
            (Some(host), Some(own)) => !host.eq_ignore_ascii_case(own),
            (host, own) => host.is_some() || own.is_some(),
        };
        let of_models = self.models().filter_map(|model| self.model_base_url(model));
        self.base_url().into_iter().chain(of_models).any(is_other)
    }

    /// Warns about a key in the entry itself that is implausible or unusual.
    pub(super) fn remark_on_key<'n>(&self, reader: &mut Reader<'n>, provider: &ProviderId, node: &'n Node<'n>) {
        let Value::Object(members) = &node.value else { return };
        let Some(member) = members.iter().find(|member| member.key == "apiKey") else { return };
        let Some(key) = self.api_key().filter(|_| self.api_key_ref().is_none()) else { return };
        reader.path.push_key(&member.key);
        if let Some(reason) = Doubt::of(provider.as_str(), key).and_then(|doubt| doubt.at(self.is_gateway(provider))) {
            let message = format!("the entry has {reason}");
            reader.warn(DiagnosticCode::ImplausibleSecret, member.node.at, message);
            reader.help(reason.help());
        } else if let Some(what) = unusual(key) {
            reader.warn(DiagnosticCode::UnusualSecret, member.node.at, format!("the entry has {what}"));
        }
        reader.path.pop();
    }
}
