//! Recorded cases of merging, as trees.

use std::path::Path;

use serde_json::{Map, Number, Value as Json};

use super::*;

fn json(node: &Node<'_>) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::String(text) => Json::String(text.to_string()),
        Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        Value::Object(members) => Json::Object(
            members.iter().map(|member| (member.key.to_string(), json(&member.node))).collect::<Map<_, _>>(),
        ),
    }
}

/// Reads a configuration in a directory with these files into its tree.
fn expanded(main: &str, files: &[(&str, &str)]) -> Result<Json> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, text);
    }
    let path = directory.path().join("main.json");
    write(&path, main);
    let options = ReadOptions::new();
    let tree = syntax::parse(main, &options.limits)?;
    let mut includes = Includes::new(&options, main, Some(&path));
    includes.expand(tree.root, 0).map(|node| json(&node))
}

#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn parsed(text: &str) -> Json {
    let tree = syntax::parse(text, &Limits::default()).unwrap();
    json(&tree.root)
}

#[test]
fn recorded_cases() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("cases.json")).unwrap();
    for case in &cases {
        let input = &case["input"];
        if let Some(depth) = input["depth"].as_u64() {
            let names: Vec<String> = (1..=depth).map(|n| format!("f{n}.json")).collect();
            let text =
                |next: usize| names.get(next).map_or("{}".to_owned(), |name| format!("{{ $include: '{name}' }}"));
            let texts: Vec<String> = (1..=names.len()).map(text).collect();
            let files: Vec<(&str, &str)> = names.iter().zip(&texts).map(|(name, text)| (&**name, &**text)).collect();
            let refused = expanded(&text(0), &files).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInclude);
            assert!(refused.to_string().contains("main.json -> f1.json -> f2.json"), "{refused}");
            // One file less is not too many.
            let files: Vec<(&str, &str)> = files.iter().skip(1).copied().collect();
            assert_eq!(expanded(&text(1), &files).unwrap(), parsed("{}"));
            continue;
        }
        let files = input["files"].as_object().unwrap();
        let texts: Vec<(String, String)> = files
            .iter()
            .map(|(name, text)| (name.strip_prefix("config/").unwrap().to_owned(), text.to_string()))
            .collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (&**name, &**text)).collect();
        let found = expanded(&input["value"].to_string(), &files).unwrap();
        assert_eq!(found, parsed(&case["expected"]["value"].to_string()), "{case}");
    }
    assert_eq!(cases.len(), 5);
}

#[test]
fn merging() {
    let files = [
        ("a.json", "{ list: [1], deep: { x: 1, y: 2 }, kind: 'a' }"),
        ("b.json", "{ list: [2], deep: { y: 3 }, kind: [] }"),
        ("list.json", "[1, 2]"),
    ];
    for (main, expected) in [
        ("{ $include: ['a.json', 'b.json'] }", "{ list: [1, 2], deep: { x: 1, y: 3 }, kind: [] }"),
        ("{ $include: ['b.json', 'a.json'] }", "{ list: [2, 1], deep: { y: 2, x: 1 }, kind: 'a' }"),
        ("{ list: [9], $include: 'a.json', new: 1 }", "{ list: [1, 9], deep: { x: 1, y: 2 }, kind: 'a', new: 1 }"),
        ("{ z: { $include: 'list.json' } }", "{ z: [1, 2] }"),
        (
            "{ z: [{ $include: 'list.json' }, { $include: ['list.json', 'list.json'] }] }",
            "{ z: [[1, 2], [1, 2, 1, 2]] }",
        ),
        ("{ $include: [] }", "{}"),
    ] {
        assert_eq!(expanded(main, &files).unwrap(), parsed(expected), "{main}");
    }
}
