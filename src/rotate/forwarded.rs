//! Requests built by another library.

use std::borrow::Cow;

use super::call::{Call, with_model};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ModelRef, ProviderId};

impl Call {
    /// Creates a call that sends a request which another library built for this provider, with one of its profiles that
    /// is ready, for clients that pass their requests to a rotator.
    ///
    /// The model is the `model` of the body. The request is treated as one from [`requests`](Self::requests): its
    /// authentication is replaced, and a request of the Messages API to the endpoint of the model gets cache
    /// breakpoints and beta flags. Fallbacks of the same provider are requested with another `model` in the body. Those
    /// of other providers are left out, because the request does not fit another API. For an API that has the model in
    /// its URL, such as Gemini's, create the call with [`new`](Self::new) and [`requests`](Self::requests).
    ///
    /// # Errors
    ///
    /// [`InvalidBody`](ErrorKind::InvalidBody) if the body is not a JSON object with one `model` that is a string, and
    /// [`InvalidId`](ErrorKind::InvalidId) if that is blank.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Call, ProviderId};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let body = r#"{"model":"gpt-5","messages":[{"role":"user","content":"Hello"}]}"#;
    /// let request = http::Request::post("https://api.openai.com/v1/chat/completions").body(body)?;
    /// let call = Call::from_request(&ProviderId::new("openai")?, request)?.session("conversation-17");
    /// # let _ = call;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_request(provider: &ProviderId, request: http::Request<impl Into<Vec<u8>>>) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let body = body.into();
        let own = ModelRef::new(provider.clone(), &model_of(&body)?)?;
        Ok(Self::new(own.clone()).requests(move |model| {
            let body = match model {
                model if *model == own => body.clone(),
                model if model.provider() == own.provider() => with_model(&body, model.model())?,
                model => {
                    let message = format!("the request was built for {own}, and does not fit the API of {model}");
                    let help = "Choose fallbacks of the same provider here.";
                    return Err(Error::new(ErrorKind::UnsupportedApi, message).with_help(help));
                }
            };
            Ok(http::Request::from_parts(parts.clone(), body))
        }))
    }
}

fn model_of(body: &[u8]) -> Result<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        model: Cow<'a, str>,
    }
    // The cause is dropped: its text may repeat a value.
    let envelope = serde_json::from_slice::<Envelope<'_>>(body).ok();
    // Serde would also accept an array for the one member.
    let envelope = envelope.filter(|_| body.trim_ascii_start().starts_with(b"{"));
    let invalid =
        || Error::new(ErrorKind::InvalidBody, "the request body is not a JSON object whose one `model` is a string");
    Ok(envelope.ok_or_else(invalid)?.model)
}
