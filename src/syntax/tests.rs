use std::fmt::Write as _;

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::{Dialect, KeyPath, Limits, Node, Value, check, locate, parse, without_bom};
use crate::error::{Error, ErrorKind};

const BOTH: [Dialect; 2] = [Dialect::Json, Dialect::Json5];

fn refused(text: &str, dialect: Dialect) -> Error {
    check(text, dialect, &Limits::default()).expect_err(text)
}

fn accepted(text: &str, dialect: Dialect) -> bool {
    check(text, dialect, &Limits::default()).is_ok()
}

fn place(error: &Error) -> (u32, u32) {
    let location = error.location().expect("a location");
    (location.line.expect("a line"), location.column.expect("a column"))
}

#[test]
fn every_refusal_has_a_kind_and_a_place() {
    use Dialect::{Json, Json5};
    use ErrorKind::{DuplicateKey, InvalidNumber, Syntax, TooDeep};
    let deep = "[".repeat(129);
    let cases: &[(&str, Dialect, ErrorKind, (u32, u32))] = &[
        ("", Json, Syntax, (1, 1)),
        ("", Json5, Syntax, (1, 1)),
        ("  \n ", Json, Syntax, (2, 2)),
        ("// nothing\n/* here */\n", Json5, Syntax, (3, 1)),
        ("// nothing", Json, Syntax, (1, 1)),
        ("/* open", Json5, Syntax, (1, 8)),
        ("/", Json5, Syntax, (1, 2)),
        ("{\n \"a\": 1", Json, Syntax, (2, 8)),
        ("{\n  a: [1, 2\r\n", Json5, Syntax, (3, 1)),
        ("{a", Json5, Syntax, (1, 3)),
        ("{a b}", Json5, Syntax, (1, 4)),
        ("{a: 1 b: 2}", Json5, Syntax, (1, 7)),
        ("[1 2]", Json, Syntax, (1, 4)),
        ("[1,]", Json, Syntax, (1, 4)),
        ("[1,,]", Json5, Syntax, (1, 4)),
        ("[,]", Json5, Syntax, (1, 2)),
        ("{,}", Json5, Syntax, (1, 2)),
        ("{}\n{}", Json5, Syntax, (2, 1)),
        ("nul", Json, Syntax, (1, 1)),
        ("'ä\nb'", Json5, Syntax, (1, 3)),
        ("\"a", Json, Syntax, (1, 3)),
        ("\"\t\"", Json, Syntax, (1, 2)),
        ("\"\\x41\"", Json, Syntax, (1, 2)),
        ("'\\ud800'", Json5, Syntax, (1, 2)),
        ("'\\08'", Json5, Syntax, (1, 2)),
        ("{a-b: 1}", Json5, Syntax, (1, 3)),
        ("{1: 2}", Json5, Syntax, (1, 2)),
        ("{a: 1}", Json, Syntax, (1, 2)),
        ("01", Json, Syntax, (1, 1)),
        ("-", Json, Syntax, (1, 1)),
        ("[1.]", Json, Syntax, (1, 2)),
        ("[.]", Json5, Syntax, (1, 2)),
        ("[1e]", Json5, Syntax, (1, 2)),
        ("[0x]", Json5, Syntax, (1, 2)),
        ("[NaN]", Json, Syntax, (1, 2)),
        ("[NaN]", Json5, InvalidNumber, (1, 2)),
        ("[\n-Infinity]", Json5, InvalidNumber, (2, 1)),
        ("[1e400]", Json5, InvalidNumber, (1, 2)),
        ("[0x10000000000000000]", Json5, InvalidNumber, (1, 2)),
        ("[-0x8000000000000001]", Json5, InvalidNumber, (1, 2)),
        ("{\"a\":1,\n\"a\":2}", Json, DuplicateKey, (2, 1)),
        ("{\"a\":1,\"\\u0061\":2}", Json, DuplicateKey, (1, 8)),
        ("{a:1, 'b':{a:2}, '\\x61': 3}", Json5, DuplicateKey, (1, 18)),
        ("{ab:1, \\u0061b: 2}", Json5, DuplicateKey, (1, 8)),
        ("{'a\\\nb':1, ab: 2}", Json5, DuplicateKey, (2, 7)),
        (&deep, Json, TooDeep, (1, 129)),
        (&deep, Json5, TooDeep, (1, 129)),
    ];
    for (text, dialect, kind, at) in cases {
        let error = refused(text, *dialect);
        assert_eq!((error.kind(), place(&error)), (*kind, *at), "{dialect:?} {text:?}: {error}");
    }
}

#[test]
fn what_each_format_allows_is_accepted() {
    for text in ["{}", "[]", " null ", "\"\\ud83d\\ude00\"", "\u{feff}{\"a\":[1,-2.5e+3,true,false]}", "\"\u{2028}\""] {
        for dialect in BOTH {
            assert!(accepted(text, dialect), "{dialect:?} {text:?}");
        }
    }
    // What nobody reads keeps its text, even half a surrogate pair and numbers no double holds.
    for text in ["{\"a\":1e400}", "[\"\\ud800\"]", "18446744073709551616"] {
        assert!(accepted(text, Dialect::Json), "{text:?}");
    }
    for text in [
        "{a:1,'b':+.5,\"c\":5.,$d_9:0xFF,}",
        "[1,]//x",
        "/**/[/*,*/]/***/",
        "{\u{4e2d}\u{6587}: '\\x41\\v\\0\\q\\\r\n'}",
        "\u{a0}\u{3000}1",
        "[0x8000000000000000, -0x8000000000000000]",
        "{null: 1, \\u0061: 2}",
        "// \u{2028}1",
    ] {
        assert!(accepted(text, Dialect::Json5), "{text:?}");
    }
}

#[test]
fn a_hundred_thousand_levels_are_refused_on_a_small_stack() {
    let texts = || ["[".repeat(100_000), "{\"a\":".repeat(100_000), "[{\"a\":".repeat(50_000)];
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for text in texts() {
            assert_eq!(refused(&text, Dialect::Json).kind(), ErrorKind::TooDeep);
            assert_eq!(parse(&text, &Limits::default()).expect_err("deep").kind(), ErrorKind::TooDeep);
            // A caller cannot lift the limit to where the parser would overflow the stack.
            let lifted = Limits { max_depth: usize::MAX, ..Limits::default() };
            assert_eq!(parse(&text, &lifted).expect_err("deep").kind(), ErrorKind::TooDeep);
        }
        let deepest = format!("{}{}", "[{a:".repeat(64), "}]".repeat(64)).replace("{a:}", "{a:1}");
        assert!(parse(&deepest, &Limits::default()).is_ok());
    });
    worker.expect("a thread").join().expect("no overflow");
}

#[test]
fn the_size_cap_counts_bytes() {
    let limits = Limits { max_bytes: 4, ..Limits::default() };
    assert!(check("\"\u{e4}\"", Dialect::Json, &limits).is_ok());
    let error = check("\"\u{e4}a\"", Dialect::Json, &limits).expect_err("5 bytes");
    assert_eq!((error.kind(), place(&error)), (ErrorKind::TooLarge, (1, 1)));
}

#[test]
fn large_objects_are_checked_for_duplicates_too() {
    let mut text = String::from("{");
    for i in 0..100_000 {
        write!(text, "\"key{i}\":{{\"a\":1}},").expect("memory");
    }
    assert!(accepted(&format!("{text}\"last\":0}}"), Dialect::Json));
    for twice in ["key0", "key15", "key16", "key99999"] {
        let text = format!("{text}\"{twice}\":0}}");
        assert_eq!(refused(&text, Dialect::Json).kind(), ErrorKind::DuplicateKey, "{twice}");
    }
}

#[test]
fn columns_count_characters_and_any_line_break_counts_once() {
    let text = "[\"\u{1f600}\u{4e2d}\", x";
    assert_eq!(place(&refused(text, Dialect::Json)), (1, 8));
    for (text, at) in [("\n\n x", (3, 2)), ("\r\r x", (3, 2)), ("\r\n\r\n x", (3, 2)), ("\u{feff} x", (1, 2))] {
        assert_eq!(place(&refused(text, Dialect::Json)), at, "{text:?}");
    }
    // Counted in stretches, found the same as character by character.
    for text in ["a\n\u{e4}\n\n", "\u{1f600}\r\nab\n", "\r", "abc\r\r\n\u{4e2d}"] {
        let text = text.repeat(700);
        for (offset, _) in text.char_indices() {
            let before: Vec<_> = text.get(..offset).unwrap().chars().collect();
            let ends = |(i, c): (usize, &char)| match c {
                '\n' => true,
                '\r' => before.get(i + 1).copied().or_else(|| text.get(offset..)?.chars().next()) != Some('\n'),
                _ => false,
            };
            let last = before.iter().enumerate().filter(|pair| ends(*pair)).map(|(i, _)| i + 1).max().unwrap_or(0);
            let line = before.iter().enumerate().filter(|pair| ends(*pair)).count() + 1;
            let column = before.iter().skip(last).filter(|c| **c != '\r').count() + 1;
            if offset % 97 < 5 {
                let found = super::Places::new(&text).locate(offset);
                let expected = (u32::try_from(line).ok(), u32::try_from(column).ok());
                assert_eq!((found.line, found.column), expected, "{offset}");
            }
        }
    }
    // Places beyond the remembered ones, with a break of two bytes on a boundary.
    let text = format!("{}\r\n{}x", " ".repeat(1023), " ".repeat(5000));
    assert_eq!(place(&refused(&text, Dialect::Json)), (2, 5001));
}

#[test]
fn paths_are_written_the_way_people_write_them() {
    let path = KeyPath::root().key("agents").key("list").index(1).key("model");
    assert_eq!(path.to_string(), "agents.list[1].model");
    let path = KeyPath::root().key("models").key("anthropic/claude-opus-4-5").key("params");
    assert_eq!(path.to_string(), "models[\"anthropic/claude-opus-4-5\"].params");
    assert_eq!(KeyPath::root().key("a\nb").to_string(), "[\"a\\nb\"]");
    assert_eq!(KeyPath::root().to_string(), "");
}

#[test]
fn a_value_is_found_by_its_path() {
    let text = "{\"p\": {\"x\": 1},\n \"profiles\": {\"a\": {\"x\": [0,\n  {\"y\": 5}]}, \"x\": 2},\n \"q\": {\"x\": [0, {\"y\": 6}], \"a\": {\"x\": 7}}}";
    let at = |path: KeyPath<'_>| {
        let location = locate(text, Dialect::Json, &path);
        (location.line.expect("line"), location.column.expect("column"), location.key_path.expect("path"))
    };
    let inner = KeyPath::root().key("profiles").key("a").key("x").index(1).key("y");
    assert_eq!(at(inner), (3, 9, "profiles.a.x[1].y".into()));
    assert_eq!(at(KeyPath::root().key("profiles").key("x")), (3, 20, "profiles.x".into()));
    assert_eq!(at(KeyPath::root()), (1, 1, String::new()));
    // What is missing is placed at the object it is missing from.
    assert_eq!(at(KeyPath::root().key("profiles").key("a").key("key")), (2, 20, "profiles.a.key".into()));
}

/// The tree as `serde_json` would have it.
fn plain(node: &Node<'_>) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::String(value) => value.as_ref().into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|member| (member.key.to_string(), plain(&member.node))).collect(),
    }
}

fn starts(node: &Node<'_>, text: &str) {
    let first = text.get(node.at..).unwrap().chars().next().expect("a value");
    match &node.value {
        Value::Null => assert_eq!(first, 'n'),
        Value::Bool(value) => assert_eq!(first, if *value { 't' } else { 'f' }),
        Value::Number(_) => assert!(first.is_ascii_digit() || "+-.".contains(first)),
        Value::String(_) => assert!("'\"".contains(first)),
        Value::Array(items) => {
            assert_eq!(first, '[');
            for item in items {
                starts(item, text);
            }
        }
        Value::Object(members) => {
            assert_eq!(first, '{');
            for member in members {
                let key = text.get(member.key_at..).unwrap();
                let key = key.strip_prefix(['"', '\'']).unwrap_or(key);
                assert!(key.starts_with(member.key.as_ref()) || key.contains('\\'));
                starts(&member.node, text);
            }
        }
    }
}

/// Text made of pieces both grammars are sensitive to: far more of it parses than of random characters.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "'a'",
        "a",
        "\"b\":",
        "c:",
        "'\\u0061':",
        "1",
        "-",
        "+",
        "0",
        ".5",
        "5.",
        "1e3",
        "1e400",
        "0x1f",
        "NaN",
        "-Infinity",
        "null",
        "true",
        "false",
        "nul",
        " ",
        "\n",
        "\r\n",
        "\t",
        "//x\n",
        "/*x*/",
        "/*",
        "/",
        "\\",
        "\"",
        "'",
        "\u{feff}",
        "\u{2028}",
        "\u{e4}",
        "\u{4e2d}:",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\x41",
        "\\0",
        "\\1",
        "\\\n",
        "\u{b}",
        "\u{a0}",
        "$",
        "_",
        "9007199254740993",
        "[{\"k\":[",
        "]}]",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..25)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn agrees(text: &str) -> Result<(), TestCaseError> {
    // The parsers are the reference for the grammar; what the guard refuses beyond it has kinds of its own.
    let json = check(text, Dialect::Json, &Limits::default());
    let parsed = serde_json::from_str::<IgnoredAny>(without_bom(text));
    match json.map_err(|error| error.kind()) {
        Ok(()) => prop_assert!(parsed.is_ok(), "the guard lets invalid JSON pass: {text:?}"),
        Err(ErrorKind::Syntax) => {
            prop_assert!(parsed.is_err() || text.contains("\\u"), "the guard refuses valid JSON: {text:?}");
        }
        Err(_) => {}
    }
    let json5 = check(text, Dialect::Json5, &Limits::default());
    let parsed = json5::from_str::<IgnoredAny>(without_bom(text));
    match json5.map_err(|error| error.kind()) {
        Ok(()) => {
            prop_assert!(parsed.is_ok(), "the guard lets invalid JSON5 pass: {text:?}");
            let document = parse(text, &Limits::default()).expect("checked");
            starts(&document.root, without_bom(text));
        }
        Err(ErrorKind::Syntax) => prop_assert!(parsed.is_err(), "the guard refuses valid JSON5: {text:?}"),
        Err(_) => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_guard_and_the_parsers_agree_on_fragments(text in fragments()) {
        agrees(&text)?;
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        agrees(&String::from_utf8_lossy(&bytes))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_document_comes_back_with_its_places(value in tree()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            check(&text, Dialect::Json, &Limits::default()).unwrap();
            let document = parse(&text, &Limits::default()).unwrap();
            starts(&document.root, &text);
            // Numbers are doubles here and may be integers there: compare what they read as.
            let expected: serde_json::Value = json5::from_str(&text).unwrap();
            prop_assert_eq!(doubles(plain(&document.root)), doubles(expected));
        }
    }
}

fn doubles(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => number.as_f64().into(),
        serde_json::Value::Array(items) => items.into_iter().map(doubles).collect(),
        serde_json::Value::Object(map) => map.into_iter().map(|(key, value)| (key, doubles(value))).collect(),
        other => other,
    }
}
