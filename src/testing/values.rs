//! Values that only this crate can create, produced by its own selector or loop.

use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::error::Result;
use crate::failure::Failure;
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::reason::FailureReason;
#[cfg(feature = "client")]
use crate::rotate::{Reply, Rotator};
use crate::rotation::{Rotation, RotationLimits, SendFailure, Step};
use crate::secret::Secret;
use crate::select::{ProfileSelector, Query, Selection, Unavailable};
#[cfg(feature = "client")]
use crate::store::MemoryStore;

/// Creates the selection of a profile with this credential, the only profile there is.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`](crate::ErrorKind::InvalidSecret) if the secret is blank or a word that OpenClaw writes
/// in place of one; [`ErrorKind::InvalidId`](crate::ErrorKind::InvalidId) if the id begins with `personal:`;
/// [`ErrorKind::MissingCredentials`](crate::ErrorKind::MissingCredentials) if the credential cannot be used otherwise,
/// such as a token that has expired.
///
/// # Examples
///
/// ```
/// use provider_auth::testing::selection;
/// use provider_auth::{Credential, Endpoint, ProfileId, ProviderId, RequestBuilder, Secret, Timestamp};
///
/// let key = Credential::api_key(Secret::new("sk-ant-example"));
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let selection = selection(&ProfileId::new("anthropic:default")?, &ProviderId::anthropic(), &key, now)?;
/// let request = RequestBuilder::for_selection(&Endpoint::anthropic(), &selection).body(br#"{"messages":[]}"#).build()?;
/// assert_eq!(request.headers()["x-api-key"], "sk-ant-example");
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn selection(
    profile: &ProfileId,
    provider: &ProviderId,
    credential: &Credential,
    now: Timestamp,
) -> Result<Selection> {
    let mut profiles = AuthProfiles::new();
    profiles.upsert(profile, provider, credential, None)?;
    Ok(ProfileSelector::default().select(&profiles, &Query::new(provider).locked(profile.clone()), now)?)
}

/// Creates the refusal for a provider each of whose profiles has just failed once, with the failure given for it. They
/// are cooling down for the time of the default rules, or until the failure's [deadline](Failure::with_deadline).
/// Without any failures, it is the refusal for a provider that is not set up.
///
/// Returns `None` if one of the failures does not blame its profile, which can then be used: for example, an overloaded
/// provider.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::testing::unavailable;
/// use provider_auth::{Failure, FailureReason, ProfileId, ProviderId, Timestamp};
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let limited = Failure::new(FailureReason::RateLimit).with_deadline(Some(now + Duration::from_secs(90)));
/// let empty = Failure::new(FailureReason::Billing);
/// let failed = [(ProfileId::new("anthropic:a")?, limited), (ProfileId::new("anthropic:b")?, empty)];
/// let unavailable = unavailable(&ProviderId::anthropic(), failed, now).unwrap();
/// assert_eq!((unavailable.candidates.len(), unavailable.retry_after()), (2, Some(Duration::from_secs(90))));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub fn unavailable(
    provider: &ProviderId,
    failed: impl IntoIterator<Item = (ProfileId, Failure)>,
    now: Timestamp,
) -> Option<Unavailable> {
    let (selector, mut profiles) = (ProfileSelector::default(), AuthProfiles::new());
    let query = Query::new(provider);
    for (profile, failure) in failed {
        // An invalid id is left out.
        let _ = profiles.upsert(&profile, provider, &key(), None);
        if let Ok(chosen) = selector.select(&profiles, &query.clone().locked(profile), now) {
            let (reason, deadline) = (failure.reason(), failure.deadline());
            let _ = selector.record_failure(&mut profiles, &chosen.receipt, reason, deadline, now);
        }
    }
    selector.select(&profiles, &query, now).err()
}

/// Creates the end of a call for this model in which these failures occurred in order, each with a separate profile:
/// `anthropic:1`, `anthropic:2` and so on for a model of Anthropic's.
///
/// The call ends according to [its rules](crate::rotation), without retries. Failures after one that no other profile
/// can remedy are not used. Without any failures, no profile was found.
///
/// # Examples
///
/// ```
/// use provider_auth::testing::send_failure;
/// use provider_auth::{ErrorKind, Failure, FailureReason, Timestamp};
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let failures = [FailureReason::RateLimit, FailureReason::Billing].map(Failure::new);
/// let failure = send_failure("anthropic/claude-opus-4-5".parse()?, failures, now);
/// assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::PaymentRequired, 2));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub fn send_failure(model: ModelRef, failures: impl IntoIterator<Item = Failure>, now: Timestamp) -> SendFailure {
    let failures: Vec<Failure> = failures.into_iter().collect();
    let mut profiles = numbered(model.provider(), failures.len());
    let (mut rotation, selector) = (rotation(model, failures.len(), now), ProfileSelector::default());
    let (mut failures, mut failure, mut now) = (failures.into_iter(), Failure::new(FailureReason::Unknown), now);
    loop {
        match rotation.next(&profiles, now) {
            Step::Attempt(attempt) => {
                failure = failures.next().unwrap_or(failure);
                if let Some(record) = rotation.report(&attempt, failure.clone().into(), now) {
                    // The profile exists, so this cannot fail.
                    let _ = record.apply(&selector, &mut profiles, now);
                }
            }
            Step::Pause(pause) => now = now + pause,
            Step::End(end) => return end,
        }
    }
}

/// Creates the reply to a call for this model that the first profile answered at once: `anthropic:1` for a model of
/// Anthropic's. A body with `content-type: text/event-stream` is a stream, and is read like any other. To test a reply
/// that stalls or breaks off, use a [`Server`](super::Server).
///
/// # Errors
///
/// [`ErrorKind::Client`](crate::ErrorKind::Client) if no HTTP client can be built.
///
/// # Examples
///
/// ```
/// use provider_auth::testing::reply;
/// use provider_auth::Timestamp;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), provider_auth::Error> {
/// let response = http::Response::new(r#"{"usage":{"input_tokens":1,"cache_read_input_tokens":9}}"#);
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let mut reply = reply("anthropic/claude-opus-4-5".parse()?, response, now)?;
/// assert_eq!((reply.profile().as_str(), reply.usage().hit_ratio()), ("anthropic:1", Some(0.9)));
/// assert!(reply.text().await?.contains("usage"));
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub fn reply(model: ModelRef, response: http::Response<impl Into<Vec<u8>>>, now: Timestamp) -> Result<Reply> {
    let profiles = numbered(model.provider(), 1);
    let rotation = rotation(model, 1, now);
    let rotator = Rotator::builder(MemoryStore::new(profiles.clone())).build()?;
    Reply::made(rotator, rotation, &profiles, response.map(Into::into), now)
}

/// Creates the rotation of a call with this maximum number of attempts and no retries.
fn rotation(model: ModelRef, attempts: usize, now: Timestamp) -> Rotation {
    let limits = RotationLimits { attempts, retries: 0, ..RotationLimits::default() };
    Rotation::new(ProfileSelector::default(), model, now).limits(limits)
}

/// Creates profiles of a provider, numbered from one.
fn numbered(provider: &ProviderId, profiles: usize) -> AuthProfiles {
    let mut document = AuthProfiles::new();
    for number in 1..=profiles {
        if let Ok(id) = ProfileId::new(format!("{}:{number}", provider.as_str())) {
            // These names and keys are valid.
            let _ = document.upsert(&id, provider, &key(), None);
        }
    }
    document
}

fn key() -> Credential {
    Credential::api_key(Secret::new("made-up-key"))
}
