//! The call to send.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::sessions::{Begun, EarlierRequest};
use crate::cache::{CachePrices, Earlier, choose_lifetimes};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::headroom::TokenEstimate;
use crate::id::{ModelRef, ProfileId};
use crate::request::{EndpointKind, RequestBuilder};
use crate::retention::CacheRetention;
use crate::select::Query;

type Requests = dyn Fn(&ModelRef) -> Result<http::Request<Vec<u8>>> + Send + Sync;
type Setup = dyn for<'r> Fn(RequestBuilder<'r>) -> RequestBuilder<'r> + Send + Sync;

/// One call of a model: the body, and what narrows the choice of the credential.
///
/// # Examples
///
/// ```
/// use provider_auth::Call;
///
/// let call = Call::new("anthropic/claude-opus-4-5".parse()?)
///     .body(br#"{"model":"claude-opus-4-5","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}"#)
///     .session("conversation-17")
///     .setup(|request| request.beta("files-api-2025-04-14"));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub struct Call {
    model: ModelRef,
    body: Option<Result<Vec<u8>>>,
    fallbacks: Option<Vec<ModelRef>>,
    agent: Option<String>,
    query: Query,
    retention: Option<CacheRetention>,
    session: Option<Arc<str>>,
    previous: Option<Bytes>,
    adaptive_lifetime: bool,
    setup: Option<Box<Setup>>,
    requests: Option<Box<Requests>>,
}

impl Call {
    /// Creates a call of a model, without a body yet.
    pub fn new(model: ModelRef) -> Self {
        Self {
            query: Query::for_model(&model),
            model,
            body: None,
            fallbacks: None,
            agent: None,
            retention: None,
            session: None,
            previous: None,
            adaptive_lifetime: false,
            setup: None,
            requests: None,
        }
    }

    /// Sets the body as JSON text. For the call's own model it is sent unchanged, apart from `cache_control` markers;
    /// for a fallback its `model` is replaced.
    pub fn body(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Ok(json.into()));
        self
    }

    /// Sets the body as a value that serializes to a JSON object.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        // The cause is dropped: its text may repeat a value.
        let body = serde_json::to_vec(value);
        let invalid = |_| Error::new(ErrorKind::InvalidBody, "the request body cannot be written as JSON");
        self.body = Some(body.map_err(invalid));
        self
    }

    /// Sets the models to use if this one is not available; duplicates are ignored. Default: those of the
    /// configuration. An empty list means none.
    pub fn fallbacks(mut self, models: Vec<ModelRef>) -> Self {
        self.fallbacks = Some(models);
        self
    }

    /// Sets the agent whose settings apply: fallbacks, cache retention and beta flags. Default: none.
    pub fn agent(mut self, id: impl Into<String>) -> Self {
        self.agent = Some(id.into());
        self
    }

    /// Sets the session, which stays on one profile as long as that is ready; see [`Query::session`]. Default: none.
    ///
    /// The body that its last request sent is remembered, as far as there is
    /// [memory](super::RotatorBuilder::session_memory). It shows what the cache probably contains, so that the cache
    /// breakpoints (`cache_control` markers) of the next request are placed at the lowest cost
    /// ([`RequestBuilder::previous`]). Each profile, model and endpoint has a separate cache, and is remembered
    /// separately. Requests that were not answered or use no caching do not count. The memory does not outlive the
    /// program: the first request after that is planned like one of a new session.
    ///
    /// A session may contain several conversations, such as an agent's main loop, its calls for a title and its
    /// sub-agents. The last request of each of the latest eight is kept, and a request is planned with the one that it
    /// goes on from: the first message and the first answer are the same, or the messages are a window on the earlier
    /// ones. A request that goes on from none is planned like the first of a new session.
    pub fn session(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.session = Some(key.as_str().into());
        self.query = self.query.session(key);
        self
    }

    /// Sets the body of the session's previous request exactly as it was sent, for callers that keep
    /// [`Reply::sent_body`](super::Reply::sent_body) themselves. It overrides the memory of the
    /// [`session`](Self::session). A body of another conversation has no effect.
    pub fn previous(mut self, body: impl Into<Bytes>) -> Self {
        self.previous = Some(body.into());
        self
    }

    /// Lets the times between the requests of the [`session`](Self::session) decide the retention of prompt prefixes
    /// with [`choose_lifetimes`], from the second request of a conversation on. Default: off. A retention of none stays
    /// none.
    ///
    /// One-hour entries are written only if the endpoint supports them. Each conversation of the session has its own
    /// times, because only its next request reads its messages. They are forgotten with its body.
    pub fn adaptive_lifetime(mut self) -> Self {
        self.adaptive_lifetime = true;
        self
    }

    /// Sets the number of tokens that the request uses; see [`Query::tokens`].
    pub fn tokens(mut self, tokens: TokenEstimate) -> Self {
        self.query = self.query.tokens(tokens);
        self
    }

    /// Sets the profile to use before all others if it is usable. Default: none.
    pub fn preferred(mut self, id: ProfileId) -> Self {
        self.query = self.query.preferred(id);
        self
    }

    /// Sets the only profile to use, without rotation. Default: none.
    pub fn locked(mut self, id: ProfileId) -> Self {
        self.query = self.query.locked(id);
        self
    }

    /// Sets the retention of prompt prefixes. Default: that of the configuration.
    pub fn retention(mut self, retention: CacheRetention) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Sets a function for all other settings of the request: headers, beta flags, the API's version. It is called for
    /// each attempt. If it sets a previous body or plan, a session does not remember the request.
    pub fn setup(
        mut self,
        setup: impl for<'r> Fn(RequestBuilder<'r>) -> RequestBuilder<'r> + Send + Sync + 'static,
    ) -> Self {
        self.setup = Some(Box::new(setup));
        self
    }

    /// Sets the function that builds the request for a model, for models of any provider: only the caller can translate
    /// the request for another provider's API. It is called for each attempt.
    ///
    /// The request needs its URL, its body and the headers that the API requires, but no credential:
    /// [`Selection::authenticate`](crate::Selection::authenticate) adds it. A request of the Messages API to the
    /// endpoint of the model also gets cache breakpoints and beta flags, as without this function
    /// ([`RequestBuilder::authenticate`]). Any other request under the endpoint's base URL, such as one that counts
    /// tokens, gets the configured headers and scheme. For other URLs [`retention`](Self::retention),
    /// [`setup`](Self::setup) and the provider's configured headers are not used. The call's body is never used. The
    /// client chooses the HTTP version and the headers of the connection (`host`, `content-length` and others).
    ///
    /// An error of the function ends the call, with these exceptions: kind [`NoEndpoint`](ErrorKind::NoEndpoint) or
    /// [`UnsupportedApi`](ErrorKind::UnsupportedApi) leaves the model out, and kind
    /// [`InvalidSecret`](ErrorKind::InvalidSecret) leaves the profile out.
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Call, Config, Error, ErrorKind};
    /// use serde_json::json;
    ///
    /// let config = Config::default(); // the one of the rotator
    /// let fallbacks = vec!["mistral/mistral-large".parse()?];
    /// let call = Call::new("openai/gpt-5".parse()?).fallbacks(fallbacks).requests(move |model| {
    ///     let no_base = || Error::new(ErrorKind::NoEndpoint, format!("no base URL is known for {model}"));
    ///     let base = config.base_url(model.provider()).ok_or_else(no_base)?;
    ///     let body = json!({"model": model.model(), "messages": [{"role": "user", "content": "Hello"}]});
    ///     http::Request::post(format!("{base}/chat/completions"))
    ///         .header("content-type", "application/json")
    ///         .body(body.to_string().into_bytes())
    ///         .map_err(|_| Error::new(ErrorKind::InvalidUrl, format!("the base URL for {model} is not one")))
    /// });
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn requests(
        mut self,
        make: impl Fn(&ModelRef) -> Result<http::Request<Vec<u8>>> + Send + Sync + 'static,
    ) -> Self {
        self.requests = Some(Box::new(make));
        self
    }

    pub(super) fn has_requests(&self) -> bool {
        self.requests.is_some()
    }

    pub(super) fn request_for(&self, model: &ModelRef) -> Option<Result<http::Request<Vec<u8>>>> {
        self.requests.as_ref().map(|make| make(model))
    }

    pub(super) fn model(&self) -> &ModelRef {
        &self.model
    }

    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    /// Returns the models to use if the call's own is not available. Invalid names are left out: they are reported when
    /// the configuration is checked.
    pub(super) fn fallback_models(&self, config: &Config) -> Vec<ModelRef> {
        self.fallbacks.clone().unwrap_or_else(|| {
            let names = config.fallback_models(self.agent.as_deref()).iter();
            names.filter_map(|name| config.resolve_model_for(name, self.agent.as_deref()).ok()).collect()
        })
    }

    /// Returns the body for a model.
    pub(super) fn body_for(&self, model: &ModelRef) -> Result<Vec<u8>> {
        match &self.body {
            Some(Ok(body)) if *model == self.model => Ok(body.clone()),
            Some(Ok(body)) => with_model(body, model.model()),
            // An error cannot be cloned; this one has only a kind and a message.
            Some(Err(error)) => Err(Error::new(error.kind(), error.to_string())),
            None => Err(Error::new(ErrorKind::InvalidBody, "the call has no body")),
        }
    }

    pub(super) fn session_key(&self) -> Option<&Arc<str>> {
        self.session.as_ref()
    }

    pub(super) fn previous_body(&self) -> Option<&Bytes> {
        self.previous.as_ref()
    }

    /// Creates the request for a model; `begun` is the memory of the session.
    pub(super) fn set_up<'r>(
        &'r self,
        builder: RequestBuilder<'r>,
        config: &Config,
        (model, endpoint): (&ModelRef, EndpointKind),
        begun: Option<&'r Begun>,
    ) -> RequestBuilder<'r> {
        let (agent, kind) = (self.agent.as_deref(), builder.credential_kind());
        let mut builder = builder.configured(config, model, agent, self.retention);
        let found = |retention| config.cache_retention(model, agent, kind, retention);
        let mut prices = None;
        if self.adaptive_lifetime && begun.is_some() && found(self.retention).retention != CacheRetention::None {
            let mut of_model = CachePrices::for_model(model.model());
            if !endpoint.has_one_hour() || found(Some(CacheRetention::Long)).shortened {
                of_model.write_one_hour = f64::INFINITY;
            }
            prices = Some(of_model);
        }
        if let Some(begun) = begun {
            // The plan finds out which conversation the request goes on with, and its times decide.
            let earlier = |earlier: &'r EarlierRequest| {
                let gaps = prices.map(|_| begun.gaps_after(earlier)).filter(|gaps| !gaps.is_empty());
                let lifetimes = gaps.zip(prices).map(|(gaps, prices)| choose_lifetimes(&gaps, &prices));
                Earlier { body: &earlier.body, layout: earlier.layout.as_deref(), lifetimes }
            };
            builder = builder.earlier(begun.earlier.iter().map(earlier).collect());
        } else if let Some(previous) = &self.previous {
            builder = builder.previous(previous);
        }
        match &self.setup {
            Some(setup) => setup(builder),
            None => builder,
        }
    }
}

/// Returns the body with another model; every other byte stays.
pub(super) fn with_model(body: &[u8], model: &str) -> Result<Vec<u8>> {
    /// The one member, with its exact text.
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        model: Option<&'a RawValue>,
    }
    let invalid = || Error::new(ErrorKind::InvalidBody, "the request body is not a JSON object with one model");
    let text = std::str::from_utf8(body).map_err(|_| invalid())?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| invalid())?;
    let Some(old) = envelope.model.map(RawValue::get) else { return Ok(body.to_vec()) };
    let start = old.as_ptr().addr() - text.as_ptr().addr();
    let (Some(before), Some(after)) = (text.get(..start), text.get(start + old.len()..)) else { return Err(invalid()) };
    Ok([before, &serde_json::Value::from(model).to_string(), after].concat().into_bytes())
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("model", &self.model)
            .field("body_bytes", &self.body.as_ref().and_then(|body| body.as_ref().ok()).map_or(0, Vec::len))
            .field("fallbacks", &self.fallbacks)
            .field("agent", &self.agent)
            .field("query", &self.query)
            .field("retention", &self.retention)
            .field("previous_bytes", &self.previous.as_ref().map_or(0, Bytes::len))
            .field("adaptive_lifetime", &self.adaptive_lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_models_value_is_replaced() {
        for (body, expected) in [
            (r#"{"model":"a","x":1.50}"#, r#"{"model":"b","x":1.50}"#),
            (r#" { "x" : {"model":"a"}, "model" : "a" } "#, r#" { "x" : {"model":"a"}, "model" : "b" } "#),
            (r#"{"messages":[]}"#, r#"{"messages":[]}"#),
        ] {
            assert_eq!(with_model(body.as_bytes(), "b").unwrap(), expected.as_bytes());
        }
        for body in ["[]", "{", r#"{"model":"a","model":"b"}"#, "\u{fffd}"] {
            assert_eq!(with_model(body.as_bytes(), "b").unwrap_err().kind(), ErrorKind::InvalidBody);
        }
    }
}
