//! Every page of the documentation is two clicks from the README. Building the documentation checks the links.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

fn source(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names of the pages.
fn pages() -> Vec<String> {
    let files = read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs")).unwrap();
    let pages = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_readme_and_the_front_page_lead_to_the_pages() {
    let readme = source("README.md");
    // There is nothing there until the crate is published.
    assert!(!readme.contains("https://docs.rs/provider-auth"));
    let (front, list) = (source("src/lib.rs"), source("src/docs/mod.rs"));
    for name in pages() {
        assert!(front.contains(&format!("[`docs::{name}`]")), "the front page does not link {name}");
        assert!(list.contains(&format!("]({name})")) && list.contains(&format!("pub mod {name} ")), "{name}");
        for path in readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = path.split('#').next().unwrap();
            assert!(
                path.starts_with("https://") || Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(),
                "{path}"
            );
        }
    }
}

#[test]
fn those_who_carry_on_are_sent_to_files_that_are_there() {
    for page in ["README.md", "CONTRIBUTING.md", "src/docs/architecture.md"] {
        let text = source(page);
        let spans = text.split('`').skip(1).step_by(2);
        let files: Vec<&str> =
            spans.filter(|span| ["src/", "tests/", "examples/"].iter().any(|dir| span.starts_with(dir))).collect();
        assert!(page != "CONTRIBUTING.md" || files.len() > 20, "{files:?}");
        for file in files {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "{page} names {file}");
        }
    }
}

/// Without TLS no provider is reached, and a new user should not find that out by a failure.
#[test]
fn whoever_is_led_to_a_provider_is_told_of_the_feature_for_tls() {
    for (path, words) in [
        ("README.md", "--features rustls"),
        ("src/docs/embedding_in_an_agent.md", "--features rustls"),
        ("examples/embed.rs", "--features rustls"),
        ("src/rotate/rotator.rs", "feature `rustls`"),
    ] {
        assert!(source(path).contains(words), "{path}");
    }
    // No other example leaves this machine.
    for example in ["rotate.rs", "quickstart.rs", "custom_store.rs"] {
        let text = source(&format!("examples/{example}"));
        assert!(
            !text.contains("Rotator::builder") || text.contains("127.0.0.1") || text.contains("loopback"),
            "{example}"
        );
    }
}

/// A feature that the front pages do not name is one that nobody finds.
#[test]
fn the_readme_and_the_front_page_have_a_row_for_every_feature() {
    let manifest = source("Cargo.toml");
    let features = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let features = features.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let names: Vec<&str> = features.map(|(name, _)| name).filter(|name| *name != "default").collect();
    assert!(names.len() > 8, "{names:?}");
    for page in ["README.md", "src/lib.rs"] {
        let text = source(page);
        for name in &names {
            assert!(text.contains(&format!("| `{name}` | ")), "{page} has no row for the feature {name}");
        }
    }
}

/// A reader who is on the wrong page should notice it at once.
#[test]
fn every_page_names_its_readers_first() {
    for name in pages() {
        let text = source(&format!("src/docs/{name}.md"));
        assert!(text.lines().take(4).any(|line| line.starts_with("This page is for ")), "{name}");
    }
}
