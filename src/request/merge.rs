//! Merges the headers of all layers of a request.

use std::collections::HashMap;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;

use super::auth::{OwnHeader, authenticate, is_sent};
use super::beta::{BetaList, EXTENDED_CACHE_TTL};
use super::builder::RequestBuilder;
use super::headers::{ANTHROPIC_VERSION, Headers, check, name_of};
use super::hosts::VersionPlace;
use crate::cache::HostFields;
use crate::credential::carries_credential;
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::net::{PlainHttp, insecure};

/// The API version unless the caller sets one. Newer versions refuse some bodies that this one takes, and the body is
/// the caller's.
const DEFAULT_VERSION: &str = "2023-06-01";

impl RequestBuilder<'_> {
    /// Merges the headers with those of a passed request. Also returns the fields that the host expects in the body
    /// instead. `is_messages` is `true` for a Messages API request.
    pub(super) fn merged_headers(&self, given: HeaderMap, is_messages: bool) -> Result<(HeaderMap, HostFields)> {
        if let Some(profile) = &self.foreign {
            let profile = Shown::new(profile.as_str());
            let message = format!("Auth profile {profile:?} is not configured for the provider of the endpoint");
            return Err(Error::new(ErrorKind::ProfileNotConfigured, message));
        }
        let (row, scheme) = (self.endpoint.kind().row(), self.endpoint.auth_scheme());
        let taken: Vec<HeaderName> = scheme.places(self.credential.kind()).map(|(name, _)| name).collect();
        let mut headers = Headers::new(taken);
        if is_messages {
            headers.map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.map.insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        headers.map.insert(ANTHROPIC_VERSION, HeaderValue::from_static(DEFAULT_VERSION));
        for (name, value) in self.endpoint.headers() {
            headers.set(name, value)?;
        }
        headers.take(given)?;
        if let Some(version) = &self.version {
            headers.set(ANTHROPIC_VERSION.as_str(), version)?;
        }
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        if let Some(flag) = row.token_beta.filter(|_| self.is_subscription()) {
            headers.betas.protect(flag);
        }
        if is_messages && self.endpoint.sends_cache_beta() && !self.ignores_caching() {
            headers.betas.protect(EXTENDED_CACHE_TTL);
        }
        for flags in &self.betas {
            headers.betas.merge(&BetaList::parse(flags)?);
        }
        let betas = row.betas_in_body && !headers.betas.is_empty();
        let mut fields = HostFields { version: None, betas: betas.then(|| headers.betas.to_json()) };
        let mut map = headers.finish(!row.betas_in_body)?;
        if let VersionPlace::Body(version) = row.version {
            map.remove(ANTHROPIC_VERSION);
            fields.version = Some(format!("\"{version}\""));
        }
        authenticate(&mut map, self.credential, &scheme, &self.own_headers()?)?;
        self.check_transport(&map)?;
        Ok((map, fields))
    }

    /// Returns the endpoint's own authentication headers. A later one of the same name replaces an earlier one.
    fn own_headers(&self) -> Result<Vec<OwnHeader>> {
        let mut own: Vec<OwnHeader> = Vec::new();
        let mut places = HashMap::new();
        for (name, value) in self.endpoint.auth_headers() {
            let name = name_of(name)?;
            check(&name, value)?;
            let place = *places.entry(name.clone()).or_insert(own.len());
            match own.get_mut(place) {
                Some((_, known)) => *known = value.clone(),
                None => own.push((name, value.clone())),
            }
        }
        Ok(own)
    }

    /// Returns `true` if the credential itself is sent.
    pub(super) fn is_sent(&self) -> bool {
        // An invalid header is reported when the request is built.
        let own = self.own_headers().unwrap_or_default();
        is_sent(self.credential.kind(), &self.endpoint.auth_scheme(), &own)
    }

    /// Refuses to send a credential in any header if plain HTTP is allowed only for requests without one.
    fn check_transport(&self, headers: &HeaderMap) -> Result<()> {
        if self.endpoint.plain_http() != PlainHttp::WithoutCredential {
            return Ok(());
        }
        let is_plain = self.endpoint.uri().scheme() == Some(&Scheme::HTTP) && !self.endpoint.is_loopback();
        let scheme = self.endpoint.auth_scheme();
        let is_taken = |name: &HeaderName| scheme.places(self.credential.kind()).any(|(own, _)| own == *name);
        if is_plain && headers.keys().any(|name| carries_credential(name.as_str()) || is_taken(name)) {
            return Err(insecure(self.endpoint.host()));
        }
        Ok(())
    }
}
