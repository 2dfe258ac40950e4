//! The finished request.

use std::fmt;

use http::{HeaderMap, Method, Uri};

use super::headers::is_shown;
use crate::cache::{BreakpointPlan, KeptLayout};
use crate::error::Diagnostic;
use crate::net::origin;

/// An authenticated request that is ready to send, with the plan of its cache breakpoints.
///
/// Building one needs neither a client nor a runtime. It converts into an `http::Request` and, with the feature
/// `client`, into a `reqwest::Request`. Send it with a client that does not follow redirects: clients remove
/// `authorization` from a redirected request, but not `x-api-key`.
///
/// `Debug` shows scheme and host, header names, the values of `content-type`, `accept`, `anthropic-version` and
/// `anthropic-beta`, and the length of the body. In the header map every other value is marked sensitive. The `Debug`
/// output of converted requests shows more.
///
/// # Examples
///
/// ```
/// use provider_auth::{Credential, Endpoint, RequestBuilder, Secret};
///
/// let credential = Credential::api_key(Secret::new("sk-ant-api03-example"));
/// let request = RequestBuilder::new(&Endpoint::anthropic(), &credential)
///     .body(br#"{"model":"claude-opus-4-5","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}"#)
///     .build()?;
/// assert!(!format!("{request:?}").contains("example"));
///
/// let request: http::Request<Vec<u8>> = request.into();
/// assert_eq!(request.uri(), "https://api.anthropic.com/v1/messages");
/// assert!(request.headers()["x-api-key"].is_sensitive());
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct PreparedRequest {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) plan: BreakpointPlan,
    pub(super) notes: Vec<Diagnostic>,
    /// The layout of the body, if it is kept for the plan of the next one.
    #[cfg_attr(not(feature = "client"), expect(dead_code, reason = "only sessions keep it"))]
    pub(super) layout: Option<KeptLayout>,
}

impl PreparedRequest {
    /// Returns the method, which is `POST`.
    #[must_use]
    pub fn method(&self) -> &Method {
        &Method::POST
    }

    /// Returns the URL, with the query of the base URL if it has one.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the headers, without those that the HTTP client sets (`host`, `content-length`).
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the exact bytes of the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the plan of the body's cache breakpoints.
    #[must_use]
    pub fn plan(&self) -> &BreakpointPlan {
        &self.plan
    }

    /// Returns a note for each setting that had no effect. Empty if all took effect.
    #[must_use]
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// Splits the request into its HTTP part, its plan, its notes and the layout of its body.
    #[cfg(feature = "client")]
    pub(crate) fn into_planned(
        mut self,
    ) -> (http::Request<Vec<u8>>, BreakpointPlan, Vec<Diagnostic>, Option<KeptLayout>) {
        let (plan, notes) = (std::mem::take(&mut self.plan), std::mem::take(&mut self.notes));
        let layout = self.layout.take();
        (self.into(), plan, notes, layout)
    }
}

impl From<PreparedRequest> for http::Request<Vec<u8>> {
    fn from(prepared: PreparedRequest) -> Self {
        let mut request = Self::new(prepared.body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = prepared.uri;
        *request.headers_mut() = prepared.headers;
        request
    }
}

/// The `Debug` view of headers: all names, and the values that may be shown.
struct ShownHeaders<'a>(&'a HeaderMap);

impl fmt::Debug for ShownHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().map(|(name, value)| {
            let value = value.to_str().ok().filter(|_| is_shown(name));
            (name.as_str(), value.unwrap_or("[redacted]"))
        });
        f.debug_map().entries(shown).finish()
    }
}

impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedRequest")
            .field("method", self.method())
            .field("url", &origin(&self.uri.to_string()))
            .field("headers", &ShownHeaders(&self.headers))
            .field("body_bytes", &self.body.len())
            .field("plan", &self.plan)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}
