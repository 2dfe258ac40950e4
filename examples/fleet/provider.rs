//! The scripted provider: two keys that it limits now and then, one that always answers, and a login whose refresh token can
//! be spent once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Request;
use provider_auth::Result;
use provider_auth::testing::{Answer, Server};
use serde_json::json;

use crate::events::now;

pub(crate) const LIMITED: &str = "sk-ant-team-is-not-real";
pub(crate) const SPARE: &str = "sk-ant-spare-is-not-real";
pub(crate) const ONLY: &str = "sk-only-is-not-real";

pub(crate) fn access(number: u64) -> String {
    format!("access-{number}-is-not-real")
}

pub(crate) fn refresh(number: u64) -> String {
    format!("refresh-{number}-is-not-real")
}

/// A time in which a key is limited, in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) profile: &'static str,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Whether a request was answered after it.
    served: bool,
}

#[derive(Default)]
struct State {
    windows: Vec<Window>,
    /// The keys of which the next request begins a limit, and how long that lasts.
    due: Vec<(&'static str, Duration)>,
    requests: u64,
    /// The number of the last tokens that were given out, and of the first access token that is good.
    given: u64,
    good: u64,
    refreshes: u64,
    expiries: u64,
}

pub(crate) struct Provider {
    server: Server,
    state: Arc<Mutex<State>>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    pub(crate) fn start() -> Result<Self> {
        let state = Arc::new(Mutex::new(State { given: 1, good: 1, ..State::default() }));
        let known = Arc::clone(&state);
        let server = Server::answering(move |request| {
            let mut state = locked(&known);
            if request.uri().path() == "/token" { state.token(request) } else { state.answer(request) }
        })?;
        Ok(Self { server, state })
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// Limits both keys from their next requests on.
    pub(crate) fn limit(&self, time: Duration) {
        locked(&self.state).due = vec![("anthropic:team", time), ("openai:only", time)];
    }

    /// Returns whether the limits have begun.
    pub(crate) fn is_limited(&self) -> bool {
        locked(&self.state).due.is_empty()
    }

    /// Returns whether each key was answered after its limit.
    pub(crate) fn is_served(&self) -> bool {
        locked(&self.state).windows.iter().all(|window| window.served)
    }

    /// Accepts no access token any more that was given out.
    pub(crate) fn end_login(&self) {
        let mut state = locked(&self.state);
        state.good += 1;
        state.expiries += 1;
    }

    /// Returns whether there is a new one.
    pub(crate) fn is_login_good(&self) -> bool {
        let state = locked(&self.state);
        state.given == state.good
    }

    pub(crate) fn windows(&self) -> Vec<Window> {
        locked(&self.state).windows.clone()
    }

    pub(crate) fn requests(&self) -> u64 {
        locked(&self.state).requests
    }

    pub(crate) fn refreshes(&self) -> u64 {
        locked(&self.state).refreshes
    }

    pub(crate) fn expiries(&self) -> u64 {
        locked(&self.state).expiries
    }
}

impl State {
    fn answer(&mut self, request: &Request<Vec<u8>>) -> Answer {
        self.requests += 1;
        let key = request.headers().get("x-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let profile = match key {
            LIMITED => "anthropic:team",
            ONLY => "openai:only",
            SPARE => return Answer::json(200, r#"{"text": "Hello"}"#),
            login if login == access(self.good) => return Answer::json(200, r#"{"text": "Hello"}"#),
            _ => return Answer::error(401, "authentication_error", "This access token is not valid any more."),
        };
        let now = now();
        if let Some(at) = self.due.iter().position(|(due, _)| *due == profile) {
            let (_, time) = self.due.swap_remove(at);
            let to = now + u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            self.windows.push(Window { profile, from: now, to, served: false });
        }
        match self.windows.iter_mut().rfind(|window| window.profile == profile) {
            Some(window) if now < window.to => {
                let left = (window.to - now).div_ceil(1_000).to_string();
                let limited = "This request would exceed your rate limit.";
                Answer::error(429, "rate_limit_error", limited).header("retry-after-ms", &left)
            }
            last => {
                if let Some(window) = last {
                    window.served = true;
                }
                Answer::json(200, r#"{"text": "Hello"}"#)
            }
        }
    }

    /// The token endpoint, which knows the last refresh token alone.
    fn token(&mut self, request: &Request<Vec<u8>>) -> Answer {
        let body = String::from_utf8_lossy(request.body());
        if !body.contains(&refresh(self.given)) {
            return Answer::json(400, r#"{"error": "invalid_grant"}"#);
        }
        self.given += 1;
        self.refreshes += 1;
        let (access, refresh) = (access(self.given), refresh(self.given));
        let tokens =
            json!({"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 86_400});
        Answer::json(200, tokens.to_string())
    }
}
