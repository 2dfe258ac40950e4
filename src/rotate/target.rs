//! The destination of a model's requests, determined once and kept.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::rotator::Rotator;
use super::settings::Settings;
use crate::error::Result;
use crate::id::ModelRef;
use crate::net::is_direct;
use crate::request::Endpoint;

/// The maximum number of models to remember, because their names may come from outside.
const MOST: usize = 1_000;

/// An endpoint, prepared for requests.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    /// The URL in the client's form, if the client accepts it.
    url: Option<reqwest::Url>,
    /// `true` if requests bypass proxies.
    pub(super) is_direct: bool,
}

/// A body as it is sent.
pub(super) struct Sent {
    pub(super) body: Bytes,
    /// The memory that it holds, in bytes.
    pub(super) held: usize,
}

impl Sent {
    pub(super) fn new(body: Vec<u8>) -> Self {
        let held = body.capacity();
        Self { body: body.into(), held }
    }
}

impl Target {
    fn new(endpoint: Endpoint) -> Self {
        let url = reqwest::Url::parse(&endpoint.uri().to_string()).ok();
        let is_direct = is_direct(endpoint.uri());
        Self { endpoint, url, is_direct }
    }

    /// Returns the request in the client's form, and the body that both share; `None` if the client does not accept its
    /// URL.
    pub(super) fn request(&self, request: http::Request<Vec<u8>>) -> Option<(reqwest::Request, Sent)> {
        let (parts, body) = request.into_parts();
        // A streaming call may go to another method of the same server.
        let url = if parts.uri == *self.endpoint.uri() {
            self.url.clone()?
        } else {
            reqwest::Url::parse(&parts.uri.to_string()).ok()?
        };
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        let sent = Sent::new(body);
        *request.body_mut() = Some(sent.body.clone().into());
        Some((request, sent))
    }
}

impl Rotator {
    /// Returns the destination of a model's requests.
    pub(super) fn target(&self, settings: &Settings, model: &ModelRef) -> Result<Arc<Target>> {
        let mut targets = settings.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = targets.get(model) {
            return Ok(Arc::clone(target));
        }
        let target = Arc::new(Target::new(match self.0.endpoints.get(model.provider()) {
            Some(endpoint) => endpoint.clone(),
            None => Endpoint::for_model(&settings.config, model)?,
        }));
        if targets.len() < MOST {
            targets.insert(model.clone(), Arc::clone(&target));
        }
        Ok(target)
    }
}
