//! The places of Windows: the user's profile directory and the directories that all users of a machine share.

#![cfg(windows)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at files from outside"
)]

use std::path::Path;

use provider_auth::error::DiagnosticCode;
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, Credential, Environment, ErrorKind, FileStore, ProfileId,
    ProviderId, Secret, StateDir,
};

fn environment(variables: &'static [(&'static str, &'static str)]) -> Environment {
    Environment::from_fn(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn the_first_absolute_one_of_the_variables_names_the_profile_directory() {
    for (variables, home) in [
        (&[("USERPROFILE", r"C:\Users\me"), ("HOMEDRIVE", "D:"), ("HOMEPATH", r"\other")][..], Some(r"C:\Users\me")),
        (&[("HOMEDRIVE", "D:"), ("HOMEPATH", r"\Users\me")], Some(r"D:\Users\me")),
        (&[("HOME", "/c/Users/me"), ("HOMEDRIVE", "D:"), ("HOMEPATH", r"\Users\me")], Some(r"D:\Users\me")),
        (
            &[("USERPROFILE", "Users"), ("HOMEDRIVE", r"\\server\share"), ("HOMEPATH", r"\me")],
            Some(r"\\server\share\me"),
        ),
        (&[("OPENCLAW_HOME", r"~\claw"), ("HOMEDRIVE", "D:"), ("HOMEPATH", r"\me")], Some(r"D:\me\claw")),
        (&[("HOMEDRIVE", "D:")], None),
        (&[("HOMEPATH", r"\Users\me")], None),
        (&[("HOMEDRIVE", "D:"), ("HOMEPATH", "me")], None),
    ] {
        let environment = environment(variables);
        assert_eq!(environment.home().as_deref(), home.map(Path::new), "{variables:?}");
        for path in [r"~\.openclaw", "~/.openclaw"] {
            let expanded = environment.expand_home(path).map_err(|error| error.kind());
            assert_eq!(
                expanded,
                home.map(|home| Path::new(home).join(".openclaw")).ok_or(ErrorKind::NotFound),
                "{path}"
            );
        }
        let found = StateDir::find_in(&environment);
        assert_eq!(found.is_ok(), home.is_some());
        assert!(found.is_ok_and(|found| found.path().starts_with(home.unwrap())) || home.is_none());
    }
}

#[test]
fn a_path_with_a_tilde_may_have_either_separator() {
    let environment = environment(&[("USERPROFILE", r"C:\Users\me"), ("OPENCLAW_STATE_DIR", r"~\state")]);
    assert_eq!(StateDir::find_in(&environment).unwrap().path(), Path::new(r"C:\Users\me\state"));
    for (path, whole) in [
        (r"~\a\b", r"C:\Users\me\a\b"),
        (r"~/a\b", r"C:\Users\me\a\b"),
        ("~", r"C:\Users\me"),
        (r"~you\a", r"~you\a"),
        (r"C:\~\a", r"C:\~\a"),
    ] {
        assert_eq!(environment.expand_home(path).unwrap(), Path::new(whole), "{path}");
    }
}

#[test]
fn credentials_in_a_directory_of_all_users_are_reported() {
    for (variable, is_shared) in [("PUBLIC", true), ("ProgramData", true), ("TEMP", false)] {
        let place = tempfile::tempdir_in(std::env::var(variable).unwrap()).unwrap();
        let store = FileStore::new(place.path().join("auth-profiles.json")).unwrap();
        let (id, key) = (ProfileId::new("anthropic:a").unwrap(), Credential::api_key(Secret::new("made-up")));
        store.upsert(&id, &ProviderId::anthropic(), &key, None).unwrap();
        // Another store, which has not written the file itself.
        let loaded = FileStore::new(store.path()).unwrap().load().unwrap();
        let codes: Vec<DiagnosticCode> = loaded.diagnostics().iter().map(|found| found.code).collect();
        assert_eq!(codes.contains(&DiagnosticCode::InsecurePermissions), is_shared, "{variable}: {codes:?}");
    }
}
