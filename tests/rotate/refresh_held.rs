//! OAuth credentials that OpenClaw is holding are not refreshed here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use provider_auth::refresh::RefreshOutcome;
use provider_auth::{AuthProfileStore, AuthProfiles, ErrorKind, Secret};
use serde_json::json;

use super::refresh::{Meanwhile, bench, login};
use crate::support::{NOW, id};

#[tokio::test]
async fn a_login_that_openclaw_holds_back_is_left_to_openclaw() {
    let fence = |part: &str| format!("openclaw-oauth-refresh-fence:v1:{}:{part}:{}", "0".repeat(32), "1".repeat(64));
    for (access, setup, help, transient) in [
        (fence("access"), json!(null), "Try again", true),
        (fence("failed:access"), json!(null), "Sign in again in OpenClaw", false),
        ("a-1".to_owned(), json!({"replacement": true}), "models auth activate", false),
    ] {
        let mut document = login(NOW);
        document["profiles"]["anthropic:me"]["access"] = json!(access);
        document["profiles"]["anthropic:me"]["setup"] = setup;
        let bench = bench(&document, Arc::default());
        let (me, before) = (id("anthropic:me"), bench.text());
        for error in [
            bench.coordinator.refresh_if_needed(&me).await.unwrap_err(),
            bench.coordinator.refresh_rejected(&me, &Secret::new("a-1")).await.unwrap_err(),
            bench.coordinator.refresh_if_needed_blocking(&me).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::RefreshFailed, transient));
            assert!(error.help().contains(help), "{}", error.help());
        }
        assert_eq!((bench.endpoint.spent.load(Ordering::SeqCst), bench.text()), (0, before));
    }
}

#[tokio::test]
async fn tokens_that_come_after_openclaw_took_over_are_not_written() {
    let bench = bench(&login(NOW), Arc::default());
    let store = Arc::clone(&bench.store);
    *bench.endpoint.meanwhile.lock().unwrap() = Some(Meanwhile(Box::new(move || {
        let mut document = login(1);
        for member in ["access", "refresh"] {
            let fence = format!("openclaw-oauth-refresh-fence:v1:{}:{member}:{}", "0".repeat(32), "1".repeat(64));
            document["profiles"]["anthropic:me"][member] = json!(fence);
        }
        let fenced = AuthProfiles::from_json(&document.to_string()).unwrap();
        store
            .update(&mut |profiles| {
                profiles.replace(fenced.clone());
                Ok(())
            })
            .unwrap();
    })));
    let outcome = bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
    assert!(matches!(outcome, RefreshOutcome::RefreshedElsewhere));
    assert!(bench.text().contains("openclaw-oauth-refresh-fence") && !bench.text().contains("a-2"));
}

#[tokio::test]
async fn a_personal_account_is_left_to_openclaw() {
    let mut document = login(NOW);
    document["profiles"]["personal:0:1"] = document["profiles"]["anthropic:me"].clone();
    let bench = bench(&document, Arc::default());
    let (personal, before) = (id("personal:0:1"), bench.text());
    for error in [
        bench.coordinator.refresh_if_needed(&personal).await.unwrap_err(),
        bench.coordinator.refresh_rejected(&personal, &Secret::new("a-1")).await.unwrap_err(),
        bench.coordinator.refresh_if_needed_blocking(&personal).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::RefreshFailed, false));
        assert!(error.to_string().contains("personal account"), "{error}");
        assert!(error.help().contains("OpenClaw"), "{}", error.help());
    }
    assert_eq!((bench.endpoint.spent.load(Ordering::SeqCst), bench.text()), (0, before));
}
