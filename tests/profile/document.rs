//! The credential document: what is understood, what is kept, what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a fixture that fails is a failed test"
)]

use provider_auth::error::DiagnosticCode;
use provider_auth::profile::DirtyState;
use provider_auth::select::Receipt;
use provider_auth::{AuthProfiles, Credential, CredentialKind, ErrorKind, FailureReason, ProfileSelector, Secret};
use serde_json::Value;

use crate::support::{NOW, at, id, names, provider, verbatim};

use CredentialKind::{ApiKey, OAuth, Token};
use DiagnosticCode::{
    Alias, CleanedSecret, CredentialKind as Mislabelled, InvalidValue, MissingKey, UnknownCredential, WrongUnit,
};

fn one(entry: &str) -> AuthProfiles {
    AuthProfiles::from_json(&format!(r#"{{"version": 1, "profiles": {{"p": {entry}}}}}"#)).unwrap()
}

fn key(text: &str) -> Credential {
    Credential::api_key(Secret::new(text))
}

#[test]
fn spellings_that_are_understood() {
    for (entry, kind, secret, codes) in [
        (r#"{"type":"api_key","provider":"a","key":"k"}"#, ApiKey, "k", &[][..]),
        (r#"{"mode":"api_key","provider":"a","key":"k"}"#, ApiKey, "k", &[Alias]),
        (r#"{"type":"api_key","provider":"a","apiKey":"k"}"#, ApiKey, "k", &[Alias]),
        (r#"{"type":"api_key","provider":"a","api_key":"k"}"#, ApiKey, "k", &[Alias]),
        (r#"{"mode":"api_key","provider":"a","apiKey":"k"}"#, ApiKey, "k", &[Alias, Alias]),
        (r#"{"type":"apiKey","provider":"a","key":"k"}"#, ApiKey, "k", &[Alias]),
        (r#"{"mode":"apiKey","provider":"a","apiKey":"k"}"#, ApiKey, "k", &[Alias, Alias, Alias]),
        (r#"{"type":"api_key","mode":"token","provider":"a","apiKey":"no","key":"k"}"#, ApiKey, "k", &[]),
        (r#"{"provider":"a","api_key":"no","mode":"token","key":"k","type":"api_key"}"#, ApiKey, "k", &[]),
        (r#"{"type":"token","mode":"api_key","provider":"a","token":"t","key":"no"}"#, Token, "t", &[]),
        (r#"{"mode":"token","provider":"a","token":"t"}"#, Token, "t", &[Alias]),
        (r#"{"type":"oauth","provider":"a","access":"x","refresh":"r","expires":5}"#, OAuth, "x", &[WrongUnit]),
        (r#"{"type":"oauth","provider":"a","refresh":"r"}"#, OAuth, "", &[]),
        (r#"{"type":"api_key","provider":"a","key":"sk-ant-oat01-x"}"#, Token, "sk-ant-oat01-x", &[Mislabelled]),
        (r#"{"type":"api_key","provider":"a","key":"  k "}"#, ApiKey, "k", &[]),
        (r#"{"type":"api_key","provider":"a","key":"k\r\ney\n"}"#, ApiKey, "key", &[CleanedSecret]),
        (r#"{"type":"token","provider":"a","token":"t\u2028o"}"#, Token, "to", &[CleanedSecret]),
        (r#"{"type":"api_key","provider":"a","key":5}"#, ApiKey, "", &[InvalidValue]),
        (r#"{"type":"api_key","provider":"a","key":"k","keyRef":"KEY"}"#, ApiKey, "k", &[InvalidValue]),
        (r#"{"type":"api_key","provider":"a","key":"k","keyRef":{"source":"env"}}"#, ApiKey, "k", &[InvalidValue]),
        (r#"{"type":"api_key","provider":"a","key":"k","keyRef":null}"#, ApiKey, "k", &[]),
        (r#"{"type":"token","provider":"a","token":"t","tokenRef":7}"#, Token, "t", &[InvalidValue]),
        (r#"{"type":"token","provider":"a","token":["t"]}"#, Token, "", &[InvalidValue]),
        (r#"{"type":"api_key","provider":"a"}"#, ApiKey, "", &[]),
        (r#"{"type":"api_key","provider":"a","key":" \n"}"#, ApiKey, "", &[]),
        (r#"{"type":"api_key","provider":"a","key":"__OPENCLAW_REDACTED__"}"#, ApiKey, "", &[InvalidValue]),
        (r#"{"type":"token","provider":"a","token":" __OPENCLAW_REDACTED__\n"}"#, Token, "", &[InvalidValue]),
        (r#"{"type":"oauth","provider":"a","access":"__OPENCLAW_REDACTED__"}"#, OAuth, "", &[InvalidValue]),
    ] {
        let profiles = one(entry);
        let profile = profiles.get("p").unwrap();
        let credential = profile.credential().unwrap_or_else(|| panic!("{entry}"));
        assert_eq!((credential.kind(), credential.secret().expose()), (kind, secret), "{entry}");
        let found: Vec<DiagnosticCode> = profiles.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(found, codes, "{entry}");
        assert!(profiles.to_json().expose().contains(entry), "{entry} is kept as it was");
        assert_eq!(profiles.dirty_state(), DirtyState::None);
    }
}

#[test]
fn references_are_kept_and_found_where_people_put_them() {
    let reference = |id: &str| format!(r#"{{"source":"env","provider":"default","id":"{id}"}}"#);
    let (right, wrong) = (reference("RIGHT"), reference("WRONG"));
    for entry in [
        format!(r#"{{"type":"api_key","provider":"a","keyRef":{right}}}"#),
        format!(r#"{{"type":"api_key","provider":"a","key":{right}}}"#),
        format!(r#"{{"type":"api_key","provider":"a","key":{right},"keyRef":null}}"#),
        format!(r#"{{"type":"api_key","provider":"a","key":{right},"keyRef":{{"source":"env"}}}}"#),
        format!(r#"{{"type":"api_key","provider":"a","key":{wrong},"keyRef":{right}}}"#),
        format!(r#"{{"type":"api_key","provider":"a","key":" ","keyRef":{right}}}"#),
        format!(r#"{{"type":"api_key","provider":"a","apiKey":{right}}}"#),
        format!(r#"{{"type":"token","provider":"a","tokenRef":{right}}}"#),
        format!(r#"{{"type":"token","provider":"a","token":{right}}}"#),
    ] {
        let profiles = one(&entry);
        let profile = profiles.get("p").unwrap();
        assert_eq!(profile.secret_ref().map(|reference| reference.id.as_str()), Some("RIGHT"), "{entry}");
        assert_eq!((profile.credential(), profile.kind()), (None, profile.stored_kind()), "{entry}");
        assert!(profiles.to_json().expose().contains(&entry));
    }
    for entry in
        [r#"{"type":"api_key","provider":"a","key":{"id":"X"}}"#, r#"{"type":"api_key","provider":"a","keyRef":"X"}"#]
    {
        let profiles = one(entry);
        let profile = profiles.get("p").unwrap();
        assert_eq!(profile.secret_ref(), None, "{entry}");
        assert!(profile.credential().unwrap().secret().is_empty(), "{entry}");
    }
}

#[test]
fn what_is_not_understood_is_kept_and_reported() {
    for (entry, code) in [
        (r#"{"type":"entangled","provider":"a","spin":0.10}"#, UnknownCredential),
        (r#"{"provider":"a","key":"k"}"#, UnknownCredential),
        (r#"{"type":"api_key","key":"k"}"#, MissingKey),
        (r#"{"type":"api_key","provider":"","key":"k"}"#, MissingKey),
        (r#"{"type":"api_key","provider":7,"key":"k"}"#, MissingKey),
        ("5", UnknownCredential),
        ("null", UnknownCredential),
        (r#"["k"]"#, UnknownCredential),
        (r#""k""#, UnknownCredential),
    ] {
        let mut profiles = one(entry);
        assert!(profiles.diagnostics().iter().any(|diagnostic| diagnostic.code == code), "{entry}");
        let profile = profiles.get("p").unwrap();
        assert_eq!((profile.kind(), profile.credential()), (None, None), "{entry}");
        profiles.upsert(&id("q"), &provider("a"), &key("other"), None).unwrap();
        let text = profiles.to_json();
        assert!(text.expose().contains(&format!("\"p\": {entry}")), "{entry} was lost");
        assert_eq!(AuthProfiles::from_json(text.expose()).unwrap().len(), 2);
    }
}

#[test]
fn a_secret_is_cleaned_in_memory_at_once_and_on_disk_when_its_profile_is_written() {
    let text = "{\"profiles\":{\"p\":{\"type\":\"api_key\",\"provider\":\"a\",\"key\":\" sk-\\n1 \\r\\n\"}}}";
    let mut profiles = AuthProfiles::from_json(text).unwrap();
    assert_eq!(profiles.get("p").unwrap().credential().unwrap().secret().expose(), "sk-1");
    assert_eq!(profiles.to_json().expose(), text);
    profiles.upsert(&id("q"), &provider("a"), &key("sk-2"), None).unwrap();
    assert!(profiles.to_json().expose().contains(r#""key":" sk-\n1 \r\n""#), "another profile was written");
    profiles.upsert(&id("p"), &provider("a"), &key(" sk-\n3 "), None).unwrap();
    let text = profiles.to_json();
    assert!(text.expose().contains(r#""key": "sk-3""#) && !text.expose().contains("\\n"));
    for blank in ["", "  ", "\n"] {
        let before = profiles.to_json();
        let error = profiles.upsert(&id("p"), &provider("a"), &key(blank), None).unwrap_err();
        assert_eq!((error.kind(), profiles.to_json()), (ErrorKind::InvalidSecret, before));
    }
}

#[test]
fn a_written_profile_has_canonical_names_only() {
    let mut profiles = one(
        r#"{"mode":"api_key","provider":"A ","apiKey":"old","api_key":"old","keyRef":{},"expires":5,"email":"e","metadata":{"t":1.0}}"#,
    );
    profiles.upsert(&id("p"), &provider("a"), &Credential::token(Secret::new("new"), Some(at(9))), None).unwrap();
    let entry = &verbatim(profiles.to_json().expose())["profiles"]["p"];
    let expected = r#"{"provider":"a","email":"e","metadata":{"t":1.0},"type":"token","token":"new","expires":9}"#;
    assert_eq!(*entry, verbatim(expected));
}

#[test]
fn a_new_token_does_not_inherit_the_end_of_the_old_one() {
    for entry in [
        r#"{"type":"token","provider":"a","token":"old","expires":5}"#,
        r#"{"type":"oauth","provider":"a","access":"old","refresh":"r","expires":5}"#,
    ] {
        let mut profiles = one(entry);
        profiles.upsert(&id("p"), &provider("a"), &Credential::token(Secret::new("new"), None), None).unwrap();
        assert_eq!(profiles.get("p").unwrap().expires(), None, "{entry}");
        assert_eq!(
            verbatim(profiles.to_json().expose())["profiles"]["p"],
            verbatim(r#"{"type":"token","provider":"a","token":"new"}"#)
        );
    }
}

#[test]
fn orders_are_trimmed_and_what_is_no_list_is_ignored_but_kept() {
    let text =
        r#"{"profiles":{},"order":{"Anthropic":[" a:1 ","",5,"a:2",null,"a:1"],"openai":["",7],"x":"nope","zai":[]}}"#;
    let mut profiles = AuthProfiles::from_json(text).unwrap();
    let order = |profiles: &AuthProfiles, name: &str| -> Option<Vec<String>> {
        profiles.order(&provider(name)).map(|list| list.iter().map(ToString::to_string).collect())
    };
    assert_eq!(order(&profiles, "anthropic").unwrap()[..2], ["a:1", "a:2"]);
    assert_eq!((order(&profiles, "openai"), order(&profiles, "x")), (None, None));
    assert_eq!(order(&profiles, "z.ai"), Some(vec![]), "an empty list is a choice");
    profiles.set_order(&provider("anthropic"), &[id("b"), id(" a "), id("b")]).unwrap();
    let tree = verbatim(profiles.to_json().expose());
    assert_eq!(tree["order"], verbatim(r#"{"Anthropic":["b","a"],"openai":["",7],"x":"nope","zai":[]}"#));
    for name in ["anthropic", "openai", "x", "zai"] {
        profiles.set_order(&provider(name), &[]).unwrap();
    }
    assert_eq!(verbatim(profiles.to_json().expose())["order"], Value::Null, "the field goes with its last entry");
}

#[test]
fn a_section_of_the_wrong_type_is_kept_and_cannot_be_changed() {
    for wrong in ["5", "[]", r#""text""#, "true", r#"[{"a": 1.0}]"#] {
        let text = format!(
            r#"{{"profiles":{{"p":{{"type":"api_key","provider":"a","key":"k"}}}},"order":{wrong},"lastGood":{wrong},"usageStats":{wrong}}}"#
        );
        let mut profiles = AuthProfiles::from_json(&text).unwrap();
        assert_eq!(profiles.diagnostics().iter().filter(|diagnostic| diagnostic.code == InvalidValue).count(), 3);
        let selector = ProfileSelector::default();
        let receipt = || Receipt::new(id("p"), provider("a"), None, at(NOW));
        let errors = [
            profiles.set_order(&provider("a"), &[id("p")]).unwrap_err(),
            selector.record_success(&mut profiles, &receipt(), at(NOW)).unwrap_err(),
            selector.record_failure(&mut profiles, &receipt(), FailureReason::Auth, None, at(NOW)).unwrap_err(),
        ];
        // For display only, so nothing depends on it.
        profiles.set_last_good(&id("p"));
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::Corrupt && error.is_corrupt()));
        assert_eq!(profiles.to_json().expose(), text, "a refused change leaves every byte");
        profiles.upsert(&id("q"), &provider("a"), &key("k"), None).unwrap();
        let tree = verbatim(profiles.to_json().expose());
        assert!(["order", "lastGood", "usageStats"].iter().all(|name| tree[*name] == verbatim(wrong)), "{wrong}");
    }
}

const FULL: &str = "{ \"x-first\" : 1E+2,\n\t\"version\":1.0, \"profiles\" : {\"b\":{\"type\":\"api_key\" , \"provider\":\"Anthropic\",\"key\":\"sk-\\u0062\", \"x\":[1.50, {\"y\":-0}]},
 \"a\":{\"provider\":\"anthropic\",\"type\":\"token\",\"token\":\"t\"},\"10\":{\"type\":\"oauth\",\"provider\":\"openai\",\"access\":\"x\"}},
 \"usageStats\":{\"a\":{\"lastUsed\":1.0,\"x\":123456789012345678901234567890}, \"gone\":{\"errorCount\":2}},\"order\":{\"anthropic\":[\"b\" , \"a\"]},
 \"lastGood\":{\"anthropic\":\"a\"},\"x-\\u00e9\\n\":{\"deep\":[[[[null]]]], \"big\":1e400}}";

#[test]
fn an_unchanged_document_is_written_back_byte_for_byte() {
    for text in
        [FULL, "{\"profiles\":{}}", " \n{\"profiles\" : { } }\r\n\t ", "{\"version\":99,\"profiles\":{\"a\":null}}"]
    {
        let mut profiles = AuthProfiles::from_json(text).unwrap();
        assert_eq!(profiles.to_json().expose(), text);
        // Calls that change nothing leave the bytes as they are.
        assert!(!profiles.remove(&id("nobody")));
        profiles.set_order(&provider("nobody"), &[]).unwrap();
        profiles.set_last_good(&id("nobody"));
        assert_eq!((profiles.to_json().expose(), profiles.dirty_state()), (text, DirtyState::None));
    }
}

#[test]
fn a_change_of_one_profile_leaves_the_meaning_and_the_place_of_everything_else() {
    let mut profiles = AuthProfiles::from_json(FULL).unwrap();
    profiles.upsert(&id("b"), &provider("anthropic"), &key("sk-new"), None).unwrap();
    let (before, after) = (verbatim(FULL), verbatim(profiles.to_json().expose()));
    assert_eq!(names(&after), names(&before));
    assert_eq!(names(&after["profiles"]), ["b", "a", "10"]);
    let mut expected = before.clone();
    expected["profiles"]["b"] =
        verbatim(r#"{"type":"api_key","provider":"anthropic","x":[1.50,{"y":-0}],"key":"sk-new"}"#);
    assert_eq!(after, expected);
    assert!(profiles.to_json().expose().ends_with("}\n"));
    assert_eq!(profiles.dirty_state(), DirtyState::Credentials);
}

#[test]
fn removing_a_profile_removes_every_mention_of_it() {
    let mut profiles = AuthProfiles::from_json(FULL).unwrap();
    assert!(profiles.remove(&id("a")));
    let mut expected = verbatim(FULL);
    expected["profiles"].as_object_mut().unwrap().shift_remove("a");
    expected["usageStats"].as_object_mut().unwrap().shift_remove("a");
    expected["order"] = verbatim(r#"{"anthropic":["b"]}"#);
    expected.as_object_mut().unwrap().shift_remove("lastGood");
    assert_eq!(verbatim(profiles.to_json().expose()), expected);
}

#[test]
fn a_profile_without_a_provider_is_nobodys_last_good_one() {
    let mut profiles = one("5");
    profiles.set_last_good(&id("p"));
    assert_eq!(profiles.dirty_state(), DirtyState::None);
}

#[test]
fn a_newer_version_can_be_read_and_says_that_it_must_not_be_written() {
    let profiles = AuthProfiles::from_json(r#"{"version": 2, "profiles": {}}"#).unwrap();
    assert_eq!(profiles.check_writable().unwrap_err().kind(), ErrorKind::UnsupportedVersion);
    for text in [r#"{"profiles": {}}"#, r#"{"version": 1, "profiles": {}}"#, r#"{"version": 0, "profiles": {}}"#] {
        AuthProfiles::from_json(text).unwrap().check_writable().unwrap();
    }
}

#[test]
fn odd_sections_do_not_keep_a_profile_from_being_removed() {
    let text =
        r#"{"profiles":{"p":{"type":"api_key","provider":"a","key":"k"}},"order":5,"lastGood":[],"usageStats":[1.0]}"#;
    let mut profiles = AuthProfiles::from_json(text).unwrap();
    assert!(profiles.remove(&id("p")));
    let tree = verbatim(profiles.to_json().expose());
    assert_eq!((&tree["order"], &tree["usageStats"]), (&verbatim("5"), &verbatim("[1.0]")));
}

#[test]
fn what_says_nothing_about_the_credential_survives_a_new_one() {
    let text = r#"{"version":1,"order":null,"profiles":{
        "a":{"type":"api_key","mode":"team","provider":"x","key":"old","token":"stray"},
        "b":{"mode":"token","provider":"x","token":"old","expires":5}}}"#;
    let mut profiles = AuthProfiles::from_json(&format!("\u{feff}{text}")).unwrap();
    assert!(profiles.to_json().expose().starts_with('\u{feff}'), "byte for byte");
    for name in ["a", "b"] {
        profiles.upsert(&id(name), &provider("x"), &key("sk-new"), None).unwrap();
    }
    let tree = verbatim(profiles.to_json().expose());
    assert_eq!(
        tree["profiles"],
        verbatim(
            r#"{"a":{"type":"api_key","mode":"team","provider":"x","key":"sk-new","token":"stray"},
                "b":{"provider":"x","type":"api_key","key":"sk-new"}}"#
        )
    );
    assert_eq!(tree["order"], verbatim("null"), "a section that is null stays until it is set");
}
