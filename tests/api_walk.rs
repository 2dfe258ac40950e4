//! Every public item is two clicks from the README: the page "Finding your way" names it, and its own page has its
//! methods. That the links lead somewhere is checked where the documentation is built.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop where it fails, and reads sources")]

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

fn source(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names that a file hands on with `pub use`.
fn exported(source: &str) -> BTreeSet<String> {
    let uses = source.split("\npub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let names = uses.flat_map(|path| match path.split_once('{') {
        Some((_, names)) => names.trim_end_matches('}').split(',').map(str::trim).collect(),
        None => vec![path.rsplit("::").next().unwrap()],
    });
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Everything public: what is exported, and under modules what they export.
fn items() -> BTreeSet<String> {
    let mut items = exported(&source("src/lib.rs"));
    items.extend(exported(&source("src/setup/mod.rs")).iter().map(|name| format!("setup::{name}")));
    // A module of functions, all of which stand in its file.
    assert!(items.remove("conformance"));
    let functions = source("src/store/conformance.rs");
    let names = functions.split("\npub fn ").skip(1).map(|rest| rest.split(['<', '(']).next().unwrap());
    items.extend(names.map(|name| format!("conformance::{name}")));
    items
}

/// The names of the pages.
fn pages() -> Vec<String> {
    let files = read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs")).unwrap();
    let pages = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The items that the text of a page links, its code left out. A link to a method leads to its type's page.
fn linked(page: &str) -> BTreeSet<String> {
    let text: String = page.split("```").step_by(2).collect();
    let shortcuts = text.split("[`").skip(1).filter_map(|rest| rest.split_once("`]"));
    let shortcuts = shortcuts.filter(|(_, after)| !after.starts_with('(')).map(|(name, _)| name.to_owned());
    let spelled = text.split("](crate::").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned());
    let links: Vec<String> = shortcuts.chain(spelled).collect();
    let types = links.iter().filter_map(|link| link.rsplit_once("::")).map(|(name, _)| name.to_owned());
    types.chain(links.iter().cloned()).collect()
}

#[test]
fn one_page_names_every_item() {
    let items = items();
    assert!(items.len() > 100 && items.contains("Config") && items.contains("setup::save_key"), "{items:?}");
    let linked = linked(&source("src/docs/finding_your_way.md"));
    let unnamed: Vec<&String> = items.difference(&linked).collect();
    assert!(unnamed.is_empty(), "the page does not say what these are for: {unnamed:?}");
}

#[test]
fn the_readme_and_the_front_page_lead_to_the_pages() {
    let readme = source("README.md");
    assert!(readme.contains("[Finding your way](src/docs/finding_your_way.md)"));
    // There is nothing there until the crate is published.
    assert!(!readme.contains("https://docs.rs/provider-auth"));
    assert!(source("src/lib.rs").contains("//! Every function by what it is for: [`docs::finding_your_way`]."));
    let list = source("src/docs/mod.rs");
    for name in pages() {
        assert!(list.contains(&format!("]({name})")) && list.contains(&format!("pub mod {name} ")), "{name}");
    }
}
