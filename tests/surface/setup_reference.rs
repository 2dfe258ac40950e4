//! Files that OpenClaw 2026.2.9 wrote, step by step at a fixed moment, and what the functions of `setup` make of the
//! same files: every byte is the same, and what is refused is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(feature = "file")]

use provider_auth::{AuthProfileStoreExt, FileStore, ProfileId, ProfileSelector, ProviderId, Result, setup};
use serde_json::Value;

use crate::support::{NOW, at};

fn apply(command: &Value, store: &FileStore) -> Result<()> {
    let text = |name: &str| command[name].as_str().unwrap();
    let provider = ProviderId::new(text("provider"))?;
    let id = || ProfileId::new(text("id"));
    match text("op") {
        "save_key" => {
            let key = setup::api_key(&provider, text("key"))?;
            setup::save_key(store, &ProfileSelector::default(), &id()?, &provider, &key, None).map(drop)
        }
        "save_token" => {
            let token = setup::token(&provider, text("token"))?;
            let lifetime = command["lifetime"].as_str().map(setup::lifetime).transpose()?;
            let expires = lifetime.map(|lifetime| at(NOW) + lifetime);
            setup::save_token(store, &ProfileSelector::default(), &id()?, &provider, &token, expires).map(drop)
        }
        "set_order" => {
            let ids = command["ids"].as_array().unwrap().iter().map(|id| ProfileId::new(id.as_str().unwrap()));
            store.set_order(&provider, &ids.collect::<Result<Vec<_>>>()?).map(drop)
        }
        "clear_order" => store.clear_order(&provider).map(drop),
        other => panic!("{other}"),
    }
}

#[test]
fn every_step_writes_the_same_bytes() {
    let steps: Vec<Value> = serde_json::from_str(include_str!("../fixtures/openclaw_files.json")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (number, step) in steps.iter().enumerate() {
        let state = directory.path().join(number.to_string());
        let store = FileStore::builder().agent(&state, "main").build().unwrap();
        if let Some(before) = step["before"].as_str() {
            std::fs::create_dir_all(store.path().parent().unwrap()).unwrap();
            std::fs::write(store.path(), before).unwrap();
        }
        let done = apply(&step["command"], &store);
        assert_eq!(done.is_ok(), step["code"] == 0, "{number}: {done:?}");
        let after = std::fs::read_to_string(store.path()).unwrap();
        assert_eq!(after, step["after"].as_str().unwrap(), "{number}: {}", step["command"]["op"]);
    }
    assert!(steps.len() > 12);
}
