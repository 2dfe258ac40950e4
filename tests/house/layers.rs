//! Every module of the crate uses only modules below it, as the page on the architecture shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The line of each room in the picture, the ground floor with the highest number, and whether it has a star.
fn picture() -> BTreeMap<String, (usize, bool)> {
    let page = read_to_string(root().join("src/docs/architecture.md")).unwrap();
    let drawn = page.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let rooms = drawn.lines().enumerate().flat_map(|(line, text)| {
        // Names stand to the left of what is said about them, which begins after three blanks.
        let names = text.split("   ").next().unwrap().split_whitespace();
        names.map(move |name| (name.trim_end_matches('*').to_owned(), (line, name.ends_with('*'))))
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

/// The production code of a source: without comments, documentation and unit tests.
fn production(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines();
    let mut code: Vec<&str> = code.filter(|line| !line.trim_start().starts_with("//")).collect();
    // An item for tests, and what only the documentation links, does not count.
    while let Some(at) = code.iter().position(|line| ["#[cfg(doc)]", "#[cfg(test)]"].contains(&line.trim())) {
        code.drain(at..=at + 1);
    }
    code.join("\n")
}

/// How many modules a file stands in, itself included.
fn depth(file: &Path) -> usize {
    let below = file.strip_prefix(root().join("src")).unwrap();
    below.components().count() - usize::from(file.ends_with("mod.rs"))
}

/// The longest row of `super::` in a text.
fn climb(code: &str) -> usize {
    (1..9).rev().find(|steps| code.contains(&"super::".repeat(*steps))).unwrap_or(0)
}

/// The rooms that the production code of a file names.
fn used(file: &Path) -> BTreeSet<String> {
    if file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs") {
        return BTreeSet::new();
    }
    let code = production(&read_to_string(file).unwrap());
    assert!(climb(&code) < depth(file), "{} climbs to the root, where every room can be named", file.display());
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
        let (line, _) = picture.get(&room).unwrap_or_else(|| panic!("{room} is not in the picture"));
        for other in used(&file).into_iter().filter(|other| *other != room) {
            let (below, _) = picture
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
fn stars_are_public_modules() {
    let starred: BTreeSet<String> =
        picture().into_iter().filter(|(_, (_, star))| *star).map(|(room, _)| room).collect();
    let root = read_to_string(root().join("src/lib.rs")).unwrap();
    let public = root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let public: BTreeSet<String> = public.filter(|room| *room != "docs").map(str::to_owned).collect();
    assert_eq!(starred, public);
}

const PURE: [&str; 3] = ["config", "env", "store"];

#[test]
fn rooms_keep_clear_of_what_is_not_theirs() {
    for (room, forbidden) in [
        ("select", &PURE[..]),
        ("rotation", &PURE),
        ("cache", &PURE),
        ("failure", &PURE),
        ("headroom", &PURE),
        ("profile", &PURE),
        ("store", &["select", "failure", "cache", "request", "config"]),
    ] {
        // The driver that blocks runs over a store; the loop itself does not know one.
        let is_driver = |file: &Path| file.ends_with("rotation/blocking.rs");
        let files: Vec<_> = sources().into_iter().filter(|(of, file)| of == room && !is_driver(file)).collect();
        assert!(!files.is_empty(), "{room}");
        for (_, file) in files {
            let used = used(&file);
            let found = forbidden.iter().find(|forbidden| used.contains(**forbidden));
            assert_eq!(found, None, "{}", file.display());
        }
    }
}

#[test]
fn only_unit_tests_are_not_read() {
    let text = "use a;\n#[cfg(test)]\nmod tests;\nuse b;\n    #[cfg(test)]\n    use c;\n// d\ne\n#[cfg(test)]\nmod tests {\nf\n}\n";
    assert_eq!(production(text), "use a;\nuse b;\ne");
    assert_eq!((climb("use crate::a;"), climb("use super::a; super::super::b")), (0, 2));
    let depth = |file: &str| depth(&root().join("src").join(file));
    assert_eq!(
        (depth("clock.rs"), depth("store/mod.rs"), depth("store/file/mod.rs"), depth("store/file/a.rs")),
        (1, 1, 2, 3)
    );
}

#[test]
fn files_can_be_read_in_one_sitting() {
    for (_, file) in sources() {
        let lines = read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
    }
}
