//! One machine: it calls three models, one after the other, until it is asked to stop.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use provider_auth::profile::UsageStats;
use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant};
use provider_auth::rotation::Attempt;
use provider_auth::select::ProbePolicy;
use provider_auth::store::RedisStore;
use provider_auth::{
    AuthProfileStore as _, Call, Clock as _, Credential, Failure, FailureClassifier, ProfileId, ProviderId, Rotator,
    Secret, SystemClock,
};
use serde_json::json;

use crate::Outcome;
use crate::events::{Event, now};

const MODELS: [&str; 3] = ["anthropic/claude-opus-4-5", "openai/gpt-5", "portal/assistant"];

const RESTS: u8 = 1;
const ENDS: u8 = 2;

/// The profile in which a machine counts its own updates.
pub(crate) fn counter(number: &str) -> String {
    format!("count:{number}")
}

/// Returns the count in a profile, which is kept as its email.
pub(crate) fn counted(profiles: &provider_auth::AuthProfiles, name: &str) -> u64 {
    profiles.get(name).and_then(|profile| profile.email()?.parse().ok()).unwrap_or(0)
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(agent: &str, number: &str, provider: &str) -> Outcome {
    let mut url = String::new();
    std::io::stdin().read_line(&mut url)?;
    let url = url.trim_end();
    let orders = Arc::new(AtomicU8::new(0));
    let heard = Arc::clone(&orders);
    std::thread::spawn(move || {
        for order in std::io::stdin().lock().lines().map_while(Result::ok) {
            heard.store(if order == "end" { ENDS } else { RESTS }, Ordering::SeqCst);
        }
        // The pipe of orders is closed.
        std::process::exit(0);
    });
    let store = crate::store(url, agent)?;
    let watched = crate::store(url, agent)?;
    std::thread::spawn(move || watch(&watched));

    let grant = RefreshTokenGrant::new(&format!("{provider}/token"), "fleet-example", reqwest::Client::builder())?;
    let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), Arc::new(grant));
    // Windows of this example last a second and a half, so that its probes come sooner than those of a real account.
    let mut probes = ProbePolicy::default();
    (probes.lead, probes.interval) = (Duration::from_millis(500), Duration::from_millis(700));
    let rotator = Rotator::builder(store.clone()).coordinator(coordinator).probes(Some(probes)).retries(0).build()?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let calls = MODELS.into_iter().map(|model| Ok(Call::new(model.parse()?))).collect::<Outcome<Vec<_>>>()?;
    let url = format!("{provider}/answer");
    for turn in 0_u64.. {
        for call in &calls {
            // A call that fails because all its profiles are cooling down does not stop the machine.
            let _ = make(&rotator, call, &client, &url).await;
        }
        if turn % 4 == 0 {
            let number = count(&store, &counter(number))?;
            Event::Wrote { number }.say();
        }
        match orders.load(Ordering::SeqCst) {
            0 => tokio::time::sleep(Duration::from_millis(5)).await,
            RESTS => {
                Event::Rests.say();
                std::future::pending::<()>().await;
            }
            _ => break,
        }
    }
    rotator.flush().await?;
    Event::Ended { orphaned: store.orphaned() }.say();
    // Calls in progress end with the process.
    std::process::exit(0);
}

/// Makes a call, and reports what it sent.
async fn make(rotator: &Rotator, call: &Call, client: &reqwest::Client, url: &str) -> Outcome {
    // When the load began by which the next attempt is picked, or earlier.
    let from = Arc::new(std::sync::Mutex::new(now()));
    let since = Arc::clone(&from);
    let answered = rotator
        .run(call, |attempt: Attempt| {
            let (client, url, since) = (client.clone(), url.to_owned(), Arc::clone(&since));
            async move {
                let moment = || *since.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let (profile, from, at) = (attempt.profile().as_str().to_owned(), moment(), now());
                let probe = attempt.trial().is_some_and(|trial| trial.until() > SystemClock.now());
                Event::Sent { profile, from, at, probe }.say();
                let sent = send(&client, &url, &attempt).await;
                *since.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now();
                sent
            }
        })
        .await;
    let limited = |records: &[provider_auth::rotation::AttemptRecord]| {
        let limited = |record: &&provider_auth::rotation::AttemptRecord| {
            record.reason() == Some(provider_auth::FailureReason::RateLimit)
        };
        records.iter().filter(limited).map(|record| record.profile.as_str().to_owned()).collect::<Vec<_>>()
    };
    let profiles = match &answered {
        Ok(answered) => limited(&answered.attempts),
        Err(failure) => limited(failure.attempts()),
    };
    if !profiles.is_empty() {
        rotator.flush().await?;
        let at = now();
        for profile in profiles {
            Event::Committed { profile, at }.say();
        }
    }
    Ok(())
}

async fn send(client: &reqwest::Client, url: &str, attempt: &Attempt) -> Result<(), Failure> {
    let body = json!({"model": attempt.model().model()}).to_string();
    let request = client.post(url).header("x-api-key", attempt.credential().secret().expose()).body(body);
    let response = request.send().await.map_err(|error| Failure::from(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(|error| Failure::from(&error))?;
    let classifier = FailureClassifier::new(attempt.model().provider()).with_model(attempt.model().model());
    classifier.response(status, &headers, &body, SystemClock.now()).map_or(Ok(()), Err)
}

/// Adds one to a count in the store; returns it.
fn count(store: &RedisStore, name: &str) -> Outcome<u64> {
    let (id, provider) = (ProfileId::new(name)?, ProviderId::new("count")?);
    let mut next = 0;
    store.update(&mut |profiles| {
        next = counted(profiles, name) + 1;
        profiles.upsert(&id, &provider, &Credential::api_key(Secret::new("not-real")), Some(&next.to_string()))
    })?;
    Ok(next)
}

/// Reads the store continuously, and reports the limits it sees.
fn watch(store: &RedisStore) {
    let mut known = HashMap::new();
    loop {
        if let Ok(profiles) = store.load() {
            for profile in ["anthropic:team", "openai:only"] {
                let until = profiles.usage(profile).and_then(UsageStats::cooldown_until);
                let until = until.and_then(|until| u64::try_from(until.as_millis()).ok());
                let Some(until) = until else { continue };
                if known.insert(profile, until) != Some(until) {
                    Event::Learned { profile: profile.to_owned(), until, at: now() }.say();
                }
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
