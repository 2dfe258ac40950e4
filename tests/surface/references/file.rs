//! The source `file`: what is read, and which files are refused.

use std::fs::{Permissions, create_dir, hard_link, set_permissions, write};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use provider_auth::credential::ReferenceFailure::{
    self, ForeignOwner, HardLinked, InvalidAnswer, InvalidEntry, InvalidId, NotAFile, NotAText, NotAllowed, NotFound,
    OpenToOthers, Placeholder, TimedOut, TooLarge, UnknownProvider, Unreadable,
};
use provider_auth::references::ReferenceResolver;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Found, configured, find};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path("secrets");
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
}

/// What an id leads to in a file, with more settings of its entry.
fn read(path: &Path, more: &Value, id: &str) -> Found {
    let mut entry = json!({ "source": "file", "path": path });
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    find(&ReferenceResolver::new().allow_files(), &configured(&json!({ "vault": entry }), &[]), ("file", "vault", id))
}

fn refused(path: &Path) -> ReferenceFailure {
    read(path, &json!({}), "/a").unwrap_err()
}

#[test]
fn pointers_lead_into_an_object() {
    let place = Place::new();
    let text =
        r#"{"a":"1","b":{"c/d":"2","e~f":"3","":"4"},"l":["5"],"n":7,"blank":" \n","r":"__OPENCLAW_REDACTED__"}"#;
    let path = place.file(text, 0o600);
    for (id, found) in [
        ("/a", Ok("1")),
        ("/b/c~1d", Ok("2")),
        ("/b/e~0f", Ok("3")),
        ("/b/", Ok("4")),
        ("/l/0", Ok("5")),
        ("/n", Err(NotAText)),
        ("/b", Err(NotAText)),
        ("/blank", Err(NotAText)),
        ("/r", Err(Placeholder)),
        ("/z", Err(NotFound)),
        ("/l/1", Err(NotFound)),
        ("/../a", Err(NotFound)),
        ("a", Err(InvalidId)),
        ("", Err(InvalidId)),
        ("/a~2", Err(InvalidId)),
        ("/a~", Err(InvalidId)),
        ("value", Err(InvalidId)),
    ] {
        // An empty id is no reference at all.
        if !id.is_empty() {
            assert_eq!(read(&path, &json!({}), id), found.map(str::to_owned), "{id}");
        }
    }
}

#[test]
fn one_value_is_the_whole_file() {
    let single = json!({ "mode": "singleValue" });
    for (text, found) in [
        ("sk-1", Ok("sk-1")),
        ("sk-1\n", Ok("sk-1")),
        ("sk-1\r\n", Ok("sk-1")),
        ("{\"a\":1}\n\n", Ok("{\"a\":1}\n")),
        ("", Err(NotAText)),
        ("\n", Err(NotAText)),
    ] {
        let place = Place::new();
        assert_eq!(read(&place.file(text, 0o400), &single, "value"), found.map(str::to_owned), "{text:?}");
    }
    let place = Place::new();
    assert_eq!(read(&place.file("sk-1", 0o600), &single, "/a"), Err(InvalidId));
}

#[test]
fn only_a_private_file_is_read() {
    for (mode, found) in [
        (0o600, Ok(())),
        (0o400, Ok(())),
        (0o700, Ok(())),
        (0o640, Err(OpenToOthers)),
        (0o620, Err(OpenToOthers)),
        (0o604, Err(OpenToOthers)),
        (0o602, Err(OpenToOthers)),
        (0o601, Err(OpenToOthers)),
    ] {
        let place = Place::new();
        let path = place.file(r#"{"a":"sk-1"}"#, mode);
        assert_eq!(read(&path, &json!({}), "/a").map(drop), found, "{mode:o}");
    }
}

#[test]
fn links_directories_and_pipes_are_refused() {
    let place = Place::new();
    let path = place.file(r#"{"a":"sk-1"}"#, 0o600);
    symlink(&path, place.path("link")).unwrap();
    assert_eq!(refused(&place.path("link")), NotAFile);
    hard_link(&path, place.path("other")).unwrap();
    assert_eq!((refused(&path), refused(&place.path("other"))), (HardLinked, HardLinked));
    assert_eq!(refused(place.0.path()), NotAFile);
    assert_eq!(refused(Path::new("/dev/zero")), NotAFile);
    assert_eq!(refused(&place.path("nothing")), Unreadable);
    let made = std::process::Command::new("mkfifo").arg("-m").arg("600").arg(place.path("pipe")).status();
    assert!(made.unwrap().success());
    assert_eq!(refused(&place.path("pipe")), NotAFile);
}

#[test]
fn a_directory_that_all_may_write_to_is_refused() {
    let place = Place::new();
    create_dir(place.path("open")).unwrap();
    let path = place.path("open/secrets");
    write(&path, r#"{"a":"sk-1"}"#).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    set_permissions(place.path("open"), Permissions::from_mode(0o777)).unwrap();
    assert_eq!(refused(&path), OpenToOthers);
    // Where nobody removes what is another's, nobody can.
    set_permissions(place.path("open"), Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(read(&path, &json!({}), "/a"), Ok("sk-1".to_owned()));
}

#[test]
fn a_directory_that_others_can_change_is_refused_however_far_above() {
    for (mode, found) in [
        (0o700, Ok(())),
        (0o755, Ok(())),
        (0o775, Err(OpenToOthers)),
        (0o757, Err(OpenToOthers)),
        (0o720, Err(OpenToOthers)),
        (0o1775, Ok(())),
    ] {
        let place = Place::new();
        let above = place.path("above");
        std::fs::create_dir_all(above.join("own/inner")).unwrap();
        let path = above.join("own/inner/secrets");
        write(&path, r#"{"a":"sk-1"}"#).unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        set_permissions(&above, Permissions::from_mode(mode)).unwrap();
        assert_eq!(read(&path, &json!({}), "/a").map(drop), found, "{mode:o}");
        // By a link to a directory that is in order itself, which others can turn elsewhere.
        let own = place.path("own");
        std::fs::create_dir_all(&own).unwrap();
        let target = own.join("secrets");
        write(&target, r#"{"a":"sk-1"}"#).unwrap();
        set_permissions(&target, Permissions::from_mode(0o600)).unwrap();
        symlink(&own, above.join("link")).unwrap();
        assert_eq!(read(&above.join("link/secrets"), &json!({}), "/a").map(drop), found, "{mode:o} by a link");
        assert_eq!(read(&target, &json!({}), "/a").map(drop), Ok(()));
    }
}

#[test]
fn a_directory_of_another_user_is_refused() {
    let place = Place::new();
    let above = place.path("above");
    std::fs::create_dir_all(above.join("own")).unwrap();
    let path = above.join("own/secrets");
    write(&path, r#"{"a":"sk-1"}"#).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(read(&path, &json!({}), "/a").map(drop), Ok(()), "those above are root's, or this user's");
    // Only root can give a directory away.
    if chown(&above, Some(12_345), None).is_ok() {
        assert_eq!(refused(&path), ForeignOwner);
    }
}

#[test]
fn another_users_file_is_refused() {
    let place = Place::new();
    let path = place.file(r#"{"a":"sk-1"}"#, 0o600);
    if chown(&path, Some(12_345), None).is_err() {
        // Only root can give a file away; others meet one that root made.
        assert_ne!(refused(Path::new("/etc/passwd")), NotAllowed);
        return;
    }
    assert_eq!(refused(&path), ForeignOwner);
}

#[test]
fn damaged_and_large_files_are_refused() {
    let place = Place::new();
    for text in [&b""[..], b"[]", b"\"sk-1\"", b"{", b"{\"a\":\"sk-1\"} x", b"{\"a\":\"\xff\"}"] {
        assert_eq!(refused(&place.file(text, 0o600)), InvalidAnswer, "{text:?}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(refused(&place.file(deep, 0o600)), InvalidAnswer);
    let (text, small) = (r#"{"a":"sk-1"}"#, json!({ "maxBytes": 11 }));
    assert_eq!(read(&place.file(text, 0o600), &small, "/a"), Err(TooLarge));
    assert_eq!(read(&place.file(text, 0o600), &json!({ "maxBytes": 12 }), "/a"), Ok("sk-1".to_owned()));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(refused(&place.file(large, 0o600)), TooLarge);
    assert_eq!(read(&place.file(text, 0o600), &json!({ "timeoutMs": 0 }), "/a"), Err(TimedOut));
}

#[test]
fn a_file_needs_an_entry_and_the_callers_word() {
    let place = Place::new();
    let path = place.file(r#"{"a":"sk-1"}"#, 0o600);
    let entry = json!({ "vault": { "source": "file", "path": path } });
    let (silent, allowing) = (ReferenceResolver::new(), ReferenceResolver::new().allow_files());
    assert_eq!(find(&silent, &configured(&entry, &[]), ("file", "vault", "/a")), Err(NotAllowed));
    for (providers, provider, failure) in [
        (json!({}), "vault", UnknownProvider),
        (json!({}), "default", UnknownProvider),
        (json!({ "vault": { "source": "env" } }), "vault", UnknownProvider),
        (json!({ "vault": { "source": "file" } }), "vault", InvalidEntry),
        (json!({ "vault": { "source": "file", "path": "secrets" } }), "vault", InvalidEntry),
        (json!({ "vault": { "source": "file", "path": "~/secrets" } }), "vault", InvalidEntry),
    ] {
        assert_eq!(
            find(&allowing, &configured(&providers, &[]), ("file", provider, "/a")),
            Err(failure),
            "{providers}"
        );
    }
}
