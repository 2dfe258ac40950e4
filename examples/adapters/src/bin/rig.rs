//! rig: a rotator as the transport of its models and agents.
//!
//!     cargo run --manifest-path examples/adapters/Cargo.toml --bin rig
//!
//! It starts a server on loopback, and needs neither a key nor a network.

#[path = "../loopback.rs"]
mod loopback;

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use loopback::Answer;
use provider_auth::rotation::SendFailure;
use provider_auth::{AuthProfiles, Call, Endpoint, MemoryStore, ProviderId, Reply, Rotator};
use rig_core::completion::CompletionRequest;
use rig_core::http_client::{
    Error, HttpClientExt, LazyBody, MultipartForm, Request, Response, Result, StreamingResponse,
};
use rig_core::providers::anthropic::AnthropicConfig;
use rig_core::streaming::{Item, StreamEvent};
use rig_core::wasm_compat::WasmCompatSend;

/// The transport of one agent, whose prompt cache stays warm. Its session may contain several conversations, such as
/// sub-agents or calls for a title: the rotator tells eight of them apart. It sends requests with a model in their body,
/// which a request for the list of models does not have.
#[derive(Clone)]
struct Rotating {
    rotator: Rotator,
    provider: ProviderId,
    session: Arc<str>,
}

impl Rotating {
    async fn reply(self, request: Request<Bytes>) -> Result<Reply> {
        let call = Call::from_request(&self.provider, request).map_err(Error::instance)?.session(&*self.session);
        let reply = self.rotator.send(&call).await.map_err(refused)?;
        for attempt in reply.attempts() {
            println!("  {attempt}");
        }
        Ok(reply)
    }
}

impl HttpClientExt for Rotating {
    fn send<T: Into<Bytes>, U: From<Bytes> + WasmCompatSend + 'static>(
        &self,
        request: Request<T>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + WasmCompatSend + 'static {
        let reply = self.clone().reply(request.map(Into::into));
        async move {
            let mut reply = reply.await?;
            let body = reply.bytes().await.map_err(Error::instance)?;
            Ok(with_head_of(&reply, Box::pin(async { Ok(body.into()) }) as _))
        }
    }

    async fn send_streaming<T: Into<Bytes> + WasmCompatSend>(&self, request: Request<T>) -> Result<StreamingResponse> {
        let reply = self.clone().reply(request.map(Into::into)).await?;
        let response = with_head_of(&reply, ());
        Ok(response.map(|()| Box::pin(reply.map_err(Error::instance)) as _))
    }

    fn send_multipart<U: From<Bytes> + WasmCompatSend + 'static>(
        &self,
        _: Request<MultipartForm>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + WasmCompatSend + 'static {
        std::future::ready(Err(Error::instance(std::io::Error::other("files are not sent through the rotator"))))
    }
}

fn with_head_of<B>(reply: &Reply, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = reply.response().status();
    response.headers_mut().clone_from(reply.response().headers());
    response
}

/// Returns the provider's last answer to rig, if there was one, as if rig had sent the request itself.
fn refused(failure: SendFailure) -> Error {
    match failure.response() {
        Some(answer) => {
            let body = String::from_utf8_lossy(answer.unredacted_body()).into_owned();
            Error::non_success_with_details(answer.status(), answer.headers().clone(), body)
        }
        None => Error::instance(failure),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let server = loopback::start(vec![Answer::RateLimit(30), Answer::Message, Answer::Message])?;
    let url = server.url();
    let profiles = r#"{"version": 1, "profiles": {
        "anthropic:home": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-home-is-not-real"},
        "anthropic:work": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-work-is-not-real"}}}"#;
    // To keep keys beyond the process, use `StateDir::store`; for the configured endpoint, leave `endpoint` out.
    let rotator = Rotator::builder(Arc::new(MemoryStore::new(AuthProfiles::from_json(profiles)?)))
        .endpoint(ProviderId::anthropic(), Endpoint::new(url)?)
        .build()?;
    let transport = Rotating { rotator, provider: ProviderId::anthropic(), session: "conversation-17".into() };
    // The rotator replaces this key, and adds the cache breakpoints to the body: leave rig's own off.
    let client = AnthropicConfig::new("no key").with_base_url(url).connect(transport);
    let model = client.completion("claude-opus-4-5");

    println!("the first call:");
    let response = model.call(CompletionRequest::new("Hello")).await?;
    println!("{} ({:?} tokens written to the cache)", response.text(), response.usage.cache_creation_input_tokens);

    println!("the second one, streamed:");
    let mut stream = model.stream(CompletionRequest::new("Hello again"))?;
    while let Some(item) = stream.next().await {
        if let Item::Event(StreamEvent::Text { text, .. }) = item? {
            println!("  {text:?}");
        }
    }
    Ok(())
}
