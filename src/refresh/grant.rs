//! The refresh token grant of OAuth.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Uri};
use serde_json::Value;

use super::refresher::{RefreshFuture, TokenRefresher};
use crate::credential::Tokens;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::net::{PlainHttp, checked, execute, guarded_client, is_direct};
use crate::secret::Secret;

/// The maximum length of a token response, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// The error codes for a refresh token that is permanently refused: RFC 6749; `OpenAI`'s codes for its cases (reports
/// of 2026); GitHub's (<https://github.com/orgs/community/discussions/24745>). GitHub's other errors
/// (`incorrect_client_credentials`, `unsupported_grant_type`, `slow_down`) do not concern the token
/// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>).
const FINISHED: [&str; 5] = [
    "invalid_grant",
    "refresh_token_expired",
    "refresh_token_reused",
    "refresh_token_invalidated",
    "bad_refresh_token",
];

/// A [`TokenRefresher`] for the `refresh_token` grant of RFC 6749, section 6.
///
/// The `error` member of an answer takes precedence over its status, because some endpoints, such as GitHub's, answer
/// errors with status 200.
///
/// The caller supplies the endpoint and the client id; none is built in. The endpoint must be https, or plain HTTP on
/// loopback, which bypasses proxies. Redirects are not followed. It needs a tokio runtime, as reqwest does. `Debug`
/// shows host and path, but not the client id or secret.
///
/// # Examples
///
/// ```
/// use provider_auth::ErrorKind;
/// use provider_auth::refresh::RefreshTokenGrant;
///
/// let grant = RefreshTokenGrant::new("https://login.example.com/oauth/token", "my-client-id", reqwest::Client::builder())?;
/// let refused = RefreshTokenGrant::new("http://login.example.com/token", "my-client-id", reqwest::Client::builder());
/// assert_eq!(refused.unwrap_err().kind(), ErrorKind::InsecureTransport);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct RefreshTokenGrant {
    endpoint: Uri,
    client_id: Secret,
    client_secret: Option<Secret>,
    json: bool,
    client: reqwest::Client,
}

impl RefreshTokenGrant {
    /// Creates a refresher for this endpoint and client that sends a form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`] if the endpoint is not an absolute http or https URL with a plain host and without user
    /// info and fragment; [`ErrorKind::InsecureTransport`] if it is plain HTTP to a host that is not loopback;
    /// [`ErrorKind::Client`] if the HTTP client cannot be built.
    pub fn new(endpoint: &str, client_id: impl Into<Secret>, client: reqwest::ClientBuilder) -> Result<Self> {
        let endpoint = checked(endpoint, PlainHttp::Loopback)?;
        let client = guarded_client(client, is_direct(&endpoint))?;
        Ok(Self { endpoint, client_id: client_id.into(), client_secret: None, json: false, client })
    }

    /// Sets a client secret, which is sent in the body. Default: none.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Sends JSON instead of a form, as some endpoints require. Default: a form.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.json = true;
        self
    }

    fn body(&self, refresh: &Secret) -> String {
        let mut members = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
            ("client_id", self.client_id.expose()),
        ];
        members.extend(self.client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        if self.json {
            return Value::Object(members.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))).collect())
                .to_string();
        }
        let pairs: Vec<String> = members.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        pairs.join("&")
    }

    fn request(&self, refresh: &Secret) -> Result<reqwest::Request> {
        let mut request = http::Request::new(self.body(refresh));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        let kind = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        // The cause is dropped: its text repeats the URL, whose query may be confidential.
        let invalid = |_| Error::new(ErrorKind::InvalidUrl, "the HTTP client does not accept the token endpoint's URL");
        reqwest::Request::try_from(request).map_err(invalid)
    }

    async fn ask(&self, refresh: &Secret) -> Result<Tokens> {
        let failed = |error: Option<reqwest::Error>| {
            let what = if error.is_some_and(|error| error.is_timeout()) {
                "did not answer in time"
            } else {
                "could not be reached"
            };
            Error::new(ErrorKind::RefreshFailed, format!("the token endpoint {what}"))
        };
        let mut response = execute(&self.client, self.request(refresh)?).await.map_err(failed)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(Some(error)))? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER {
                return Err(Error::new(ErrorKind::RefreshFailed, "the token endpoint's answer is too long"));
            }
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        let (is_error, number) = (is_error(&answer), status.as_u16());
        if status.is_success()
            && !is_error
            && let Some(tokens) = tokens(&answer)
        {
            return Ok(tokens);
        }
        if (status.is_success() || status.is_client_error()) && is_finished(&answer) {
            let message = format!("the token endpoint does not accept the refresh token (status {number})");
            return Err(Error::new(ErrorKind::RefreshDenied, message));
        }
        let message = match (status.is_success(), is_error) {
            (true, true) => format!("the token endpoint answered with an error and status {number}"),
            (true, false) => "the token endpoint returned no usable access token".to_owned(),
            (false, _) => format!("the token endpoint answered with status {number}"),
        };
        Err(Error::new(ErrorKind::RefreshFailed, message))
    }
}

impl TokenRefresher for RefreshTokenGrant {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, refresh_token: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(self.ask(refresh_token))
    }
}

/// Returns `true` if an answer contains an error, whatever its status. Some endpoints always have the member.
fn is_error(answer: &Value) -> bool {
    match answer.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(code)) => !code.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    }
}

fn is_finished(answer: &Value) -> bool {
    let error = answer.get("error");
    let inside = |name| error.and_then(|error| error.get(name));
    let codes = [error, answer.get("code"), inside("code"), inside("type")];
    codes.into_iter().flatten().filter_map(Value::as_str).any(|code| FINISHED.contains(&code))
}

fn tokens(answer: &Value) -> Option<Tokens> {
    let secret = |name| answer.get(name).and_then(Value::as_str).map(Secret::cleaned).filter(|text| !text.is_empty());
    let access = secret("access_token").filter(Secret::is_header_safe)?;
    // Some endpoints write the number as text.
    let seconds = answer.get("expires_in").and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
    let lifetime = seconds.filter(|seconds| *seconds > 0.0).and_then(|s| Duration::try_from_secs_f64(s).ok());
    Some(Tokens { access, refresh: secret("refresh_token"), expires_in: lifetime })
}

/// Encodes a value for a form.
fn encoded(text: &str) -> String {
    use fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(out, "%{byte:02X}");
        }
        out
    })
}

impl fmt::Debug for RefreshTokenGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokenGrant")
            .field("host", &self.endpoint.host())
            .field("path", &self.endpoint.path())
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        assert_eq!(encoded("a b+c/ü~"), "a%20b%2Bc%2F%C3%BC~");
    }

    #[test]
    fn only_codes_that_speak_of_the_token_finish_it() {
        for (answer, finished) in [
            (r#"{"error":"invalid_grant"}"#, true),
            (r#"{"error":{"type":"invalid_grant"}}"#, true),
            (r#"{"error":{"code":"refresh_token_reused"}}"#, true),
            (r#"{"error":"bad_refresh_token"}"#, true),
            (r#"{"error":"bad_verification_code"}"#, false),
            (r#"{"error":"invalid_client"}"#, false),
            (r#"{"error":"temporarily_unavailable"}"#, false),
            ("[]", false),
        ] {
            assert_eq!(is_finished(&serde_json::from_str(answer).unwrap()), finished, "{answer}");
        }
    }
}
