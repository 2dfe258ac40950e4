//! The rooms of the crate use only what lies below them, as the page on the architecture draws it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The line of each room in the picture, the ground floor with the highest number.
fn picture() -> BTreeMap<String, usize> {
    let page = read_to_string(root().join("src/docs/architecture.md")).unwrap();
    let drawn = page.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let rooms = drawn.lines().enumerate().flat_map(|(line, text)| {
        // Names stand to the left of what is said about them, which begins after three blanks.
        let names = text.split("   ").next().unwrap().split_whitespace();
        names.map(move |name| (name.trim_end_matches('*').to_owned(), line))
    });
    rooms.collect()
}

/// Every source file with the room it belongs to.
fn sources() -> Vec<(String, PathBuf)> {
    fn walk(dir: &Path, room: Option<&str>, found: &mut Vec<(String, PathBuf)>) {
        for entry in read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
            let room = room.map_or(name, str::to_owned);
            if entry.is_dir() {
                walk(&entry, Some(&room), found);
            } else if entry.extension().is_some_and(|end| end == "rs") {
                found.push((room, entry));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), None, &mut found);
    found.retain(|(room, _)| room != "lib" && room != "docs");
    found
}

/// The rooms that the production code of a file names: without comments, documentation and unit tests.
fn used(file: &Path) -> BTreeSet<String> {
    if file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs") {
        return BTreeSet::new();
    }
    let text = read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap().lines().filter(|line| !line.trim_start().starts_with("//"));
    // What only the documentation links does not count.
    let mut code: Vec<&str> = code.collect();
    while let Some(at) = code.iter().position(|line| line.trim() == "#[cfg(doc)]") {
        code.drain(at..=at + 1);
    }
    let code = code.join("\n");
    let mut rooms = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        let paths = path.strip_prefix('{').map_or_else(|| vec![path], |list| list.split(',').collect());
        for path in paths {
            let name: String = path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(
                !name.starts_with(char::is_uppercase),
                "{} uses {name} through the root, which lies above it",
                file.display()
            );
            rooms.insert(name);
        }
    }
    rooms
}

#[test]
fn rooms_use_what_lies_below_them() {
    let picture = picture();
    let mut drawn: BTreeSet<&String> = picture.keys().collect();
    let (mut upward, mut arrows) = (Vec::new(), 0);
    for (room, file) in sources() {
        drawn.remove(&room);
        let line = picture.get(&room).unwrap_or_else(|| panic!("{room} is not in the picture"));
        for other in used(&file).into_iter().filter(|other| *other != room) {
            let below = picture
                .get(&other)
                .unwrap_or_else(|| panic!("{other} is not in the picture, but used by {}", file.display()));
            arrows += 1;
            if below <= line {
                upward.push(format!("{} uses {other}", file.display()));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
    assert!(drawn.is_empty(), "drawn, but not built: {drawn:?}");
    assert!(arrows > 100, "the sources are not read any more");
}

#[test]
fn what_is_pure_reads_no_configuration_and_no_environment() {
    for (room, file) in
        sources().into_iter().filter(|(room, _)| ["select", "cache", "failure", "profile"].contains(&&**room))
    {
        let used = used(&file);
        for forbidden in ["config", "env", "store", "background"] {
            assert!(!used.contains(forbidden), "{room} must not use {forbidden}: {}", file.display());
        }
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    for (_, file) in sources() {
        let lines = read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
    }
}
