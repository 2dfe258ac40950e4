//! The packages of the lock file: their licenses, their sources, and duplicates. `deny.toml` contains the lists, so
//! that `cargo deny check` has the same result.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a key that is missing in JSON reads as null; a test that does not run says so"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn file(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What cargo knows of every package, with all features and for all platforms. `None` where cargo would have to download
/// some of them first: the gate has done so, and tolerates no `None`.
fn metadata() -> Option<Value> {
    let asked = ["metadata", "--offline", "--locked", "--all-features", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(asked).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let told = match output {
        Ok(output) if output.status.success() => return Some(serde_json::from_slice(&output.stdout).unwrap()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    // A test that was built for Windows has no cargo beside it where it runs.
    assert!(cfg!(windows) || std::env::var_os("PROVIDER_AUTH_GATE").is_none(), "cargo metadata does not run: {told}");
    eprintln!("skipped: no package was looked at, as cargo metadata does not run. Try `cargo fetch`. It says: {told}");
    None
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().unwrap().iter()
}

/// The first quoted text of each line of a list of `deny.toml`.
fn entries(name: &str) -> Vec<String> {
    let all = file("deny.toml");
    let body = all.split(&format!("\n{name} = [\n")).nth(1).unwrap().split("\n]").next().unwrap();
    let found: Vec<_> = body.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect();
    assert_eq!(found.len(), body.lines().count(), "one entry a line: {body}");
    found
}

/// Whether an SPDX expression is met by licences that are allowed. AND binds closer than OR; the slash is an old OR.
fn met(expression: &str, allowed: &[String]) -> bool {
    fn atom(tokens: &mut std::iter::Peekable<std::str::SplitWhitespace<'_>>, allowed: &[String]) -> bool {
        let first = tokens.next();
        if first == Some("(") {
            let inner = any(tokens, allowed);
            assert_eq!(tokens.next(), Some(")"));
            return inner;
        }
        // An exception only adds to what the licence allows.
        if tokens.next_if_eq(&"WITH").is_some() {
            tokens.next();
        }
        first.is_some_and(|name| allowed.iter().any(|one| one == name))
    }
    fn any(tokens: &mut std::iter::Peekable<std::str::SplitWhitespace<'_>>, allowed: &[String]) -> bool {
        let mut met = false;
        loop {
            let mut all = atom(tokens, allowed);
            while tokens.next_if_eq(&"AND").is_some() {
                all &= atom(tokens, allowed);
            }
            met |= all;
            if tokens.next_if_eq(&"OR").is_none() {
                return met;
            }
        }
    }
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().peekable();
    any(&mut tokens, allowed) && tokens.next().is_none()
}

#[test]
fn an_expression_is_met_by_one_side_of_or_and_both_of_and() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("", false),
        ("GPL-3.0-only OR MIT", true),
        ("Unlicense/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("MIT OR ISC AND GPL-3.0-only", true),
        ("(MIT OR ISC) AND GPL-3.0-only", false),
        ("ISC AND (GPL-3.0-only OR (MIT AND ISC))", true),
        ("MIT WITH LLVM-exception", true),
    ] {
        assert_eq!(met(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_package_has_terms_that_are_allowed() {
    let Some(metadata) = metadata() else { return };
    let allowed = entries("allow");
    let others: Vec<_> = list(&metadata, "packages")
        .filter(|package| !met(text(package, "license"), &allowed))
        .map(|package| format!("{} {}: {}", text(package, "name"), text(package, "version"), package["license"]))
        .collect();
    assert!(others.is_empty(), "none of these terms stands in deny.toml: {others:#?}");
}

#[test]
fn every_package_comes_from_the_registry() {
    let Some(metadata) = metadata() else { return };
    let members: BTreeSet<_> = list(&metadata, "workspace_members").filter_map(Value::as_str).collect();
    for package in list(&metadata, "packages") {
        let expected = if members.contains(text(package, "id")) { Value::Null } else { REGISTRY.into() };
        assert_eq!(package["source"], expected, "{}", text(package, "id"));
    }
}

#[test]
fn the_adapters_come_from_the_registry_too() {
    for line in file("examples/adapters/Cargo.lock").lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, format!("source = \"{REGISTRY}\""));
    }
}

#[test]
fn what_a_feature_brings_comes_without_its_default_features() {
    let Some(metadata) = metadata() else { return };
    let this = list(&metadata, "packages").find(|package| text(package, "name") == "provider-auth").unwrap();
    let optional: Vec<_> = list(this, "dependencies").filter(|dependency| dependency["optional"] == true).collect();
    assert!(!optional.is_empty());
    for dependency in optional {
        assert_eq!(dependency["uses_default_features"], false, "{}", text(dependency, "name"));
    }
}

#[test]
fn no_package_stands_twice_among_what_users_build() {
    let Some(metadata) = metadata() else { return };
    let nodes: BTreeMap<_, _> = list(&metadata["resolve"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let mut waiting: Vec<_> = list(&metadata, "packages")
        .filter(|package| text(package, "name") == "provider-auth")
        .map(|package| text(package, "id"))
        .collect();
    let mut built = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if built.insert(id) {
            let needed = list(nodes[id], "deps").filter(|dep| list(dep, "dep_kinds").any(|kind| kind["kind"] != "dev"));
            waiting.extend(needed.map(|dep| text(dep, "pkg")));
        }
    }
    assert!(built.len() > 100, "the walk has lost its way: {built:?}");
    let mut versions = BTreeMap::<_, Vec<_>>::new();
    for package in list(&metadata, "packages").filter(|package| built.contains(text(package, "id"))) {
        versions.entry(text(package, "name")).or_default().push(text(package, "version"));
    }
    let known = entries("skip");
    let known: Vec<_> = known.iter().map(|entry| entry.split_once(":^").unwrap()).collect();
    for (name, versions) in versions {
        let told = |version: &&str| {
            let is_known = |(of, begin): &(&str, &str)| *of == name && version.starts_with(&format!("{begin}."));
            known.iter().any(is_known)
        };
        let untold: Vec<_> = versions.iter().filter(|version| !told(version)).collect();
        assert!(
            untold.len() < 2,
            "{name} in {versions:?}: `cargo tree -i` says who; `skip` of deny.toml has the known ones"
        );
    }
}
