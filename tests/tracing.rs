//! What the feature `tracing` writes: names and reasons, never a secret.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::io;
use std::sync::{Arc, Mutex};

use provider_auth::{AuthProfiles, Config, Environment, ProfileSelector, ProviderId, Query, ReadOptions, Timestamp};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn selection_is_traced_without_secrets() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty())).unwrap();
    let profiles = AuthProfiles::from_json(
        r#"{"version":1,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":"sk-ant-hunter2"}}}"#,
    )
    .unwrap();
    let (anthropic, openai) = (ProviderId::anthropic(), ProviderId::new("openai").unwrap());
    let now = Timestamp::from_millis(1_700_000_000_000);
    tracing::subscriber::with_default(subscriber, || {
        let selector = ProfileSelector::default();
        selector.resolve(&profiles, &config, &Query::new(&anthropic), now).unwrap();
        selector.resolve(&profiles, &config, &Query::new(&openai), now).unwrap_err();
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("credential chosen") && text.contains("anthropic:a"), "{text}");
    assert!(text.contains("No API key found for provider"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
