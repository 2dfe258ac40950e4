//! Random documents through the file store: no unknown content is lost, in one file or in two.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test stops where something is wrong")]

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use provider_auth::store::StateFile;
use provider_auth::{AuthProfileStore, AuthProfileStoreExt, Credential, FileStore, ProfileId, ProviderId, Secret};
use serde_json::{Map, Value, json};

/// Any JSON value of a small size.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[a-zé\"\\\\\n ]{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec(("[a-zé]{1,4}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn map(names: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    vec((names, value()), 0..5).prop_map(|members| members.into_iter().collect())
}

/// A document with profiles, sections and members that may mean anything.
fn document() -> impl Strategy<Value = Value> {
    let parts = (map("x:[a-d]"), map("x:[a-d]"), map("[xy]"), map("[xy]"), map("later-[a-d]"), any::<bool>());
    parts.prop_map(|(profiles, usage, order, last_good, later, known)| {
        let mut document = Map::new();
        document.insert("version".to_owned(), json!(1));
        document.extend(later);
        document.insert("profiles".to_owned(), Value::Object(profiles));
        for (name, section) in [("order", order), ("lastGood", last_good), ("usageStats", usage)] {
            if known || !section.is_empty() {
                document.insert(name.to_owned(), Value::Object(section));
            }
        }
        Value::Object(document)
    })
}

/// What is in both files, without the new profile; what a section holds is there whether in one file or the other.
fn joined(store: &FileStore) -> Value {
    let read = |path| -> Map<String, Value> {
        let text = fs::read_to_string(path).unwrap_or_else(|_| "{}".to_owned());
        serde_json::from_str(&text).unwrap()
    };
    let (mut whole, state) = (read(store.path()), read(store.state_path()));
    for (name, section) in state {
        assert!(name == "version" || whole.insert(name.clone(), section).is_none(), "{name} stands in both files");
    }
    whole.get_mut("profiles").unwrap().as_object_mut().unwrap().shift_remove("x:new");
    Value::Object(whole)
}

/// Empty sections mean the same as none.
fn without_empty_sections(mut document: Value) -> Value {
    let members = document.as_object_mut().unwrap();
    members.retain(|name, value| {
        let section = ["order", "lastGood", "usageStats"].contains(&name.as_str());
        !section || value.as_object().is_none_or(|section| !section.is_empty())
    });
    document
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost(document in document(), pretty in any::<bool>(), split in any::<bool>()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("auth-profiles.json");
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
        fs::write(&path, &text).unwrap();
        let layout = if split { StateFile::Separate } else { StateFile::Auto };
        let store = FileStore::builder().path(&path).state_file(layout).build().unwrap();
        store.update(&mut |_| Ok(())).unwrap();
        prop_assert_eq!(fs::read_to_string(&path).unwrap(), text);

        let key = Credential::api_key(Secret::new("k"));
        store.upsert(&ProfileId::new("x:new").unwrap(), &ProviderId::new("x").unwrap(), &key, None).unwrap();
        let expected = without_empty_sections(document);
        let found = without_empty_sections(joined(&store));
        prop_assert_eq!(&found, &expected);
        if !split {
            // The order of members too, at every level.
            prop_assert_eq!(found.to_string(), expected.to_string());
        }
        // Whoever reads the files anew finds what the writer has.
        let anew = FileStore::new(&path).unwrap();
        prop_assert_eq!(anew.load().unwrap().len(), store.load().unwrap().len());
        let texts = (anew.load().unwrap().to_json(), store.load().unwrap().to_json());
        let parsed = |text: &Secret| serde_json::from_str::<Value>(text.expose()).unwrap();
        prop_assert_eq!(parsed(&texts.0), parsed(&texts.1));
    }
}
