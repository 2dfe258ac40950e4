//! The page on the configuration lists the keys that the readers read.

use std::fmt::Write as _;

use super::*;

#[test]
fn every_shape_is_on_the_page() {
    let made = include_str!("../keys.rs").lines().filter(|line| line.starts_with("pub(super) static "));
    // All but the list itself.
    assert_eq!(made.count() - 1, SHAPES.len());
}

#[test]
fn the_page_has_what_the_readers_read() {
    let mut rows = String::new();
    for shape in SHAPES {
        let heads: Vec<String> = shape.at.iter().map(|at| format!("`{at}`")).collect();
        if !shape.at.contains(&"") {
            let _ = writeln!(rows, "\n## {}", heads.join(", "));
        }
        rows += "\n| key | releases | here |\n| --- | --- | --- |\n";
        for key in shape.keys {
            let releases = match key.releases {
                Releases::All => "all",
                Releases::Older => "before August 2026",
                Releases::Newer => "since August 2026",
            };
            let _ = writeln!(rows, "| `{}` | {releases} | {} |", key.name, key.does);
        }
    }
    let page = include_str!("../../docs/configuration.md");
    assert!(page.ends_with(&rows), "src/docs/configuration.md should end with\n{rows}");
}
