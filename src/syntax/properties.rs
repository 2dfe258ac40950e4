//! The guard against the parsers behind it, on texts nobody thought of.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use std::borrow::Cow;

use super::starts::{Starts, Word};
use super::{Dialect, Limits, Node, Value, check, parse, without_bom};
use crate::error::{Error, ErrorKind};

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

/// Looks whether every number leads to where the key or value begins, and what is found without the scan to the same place.
fn starts(node: &Node<'_>, text: &str) {
    places(node, text, &Starts::default());
}

fn places(node: &Node<'_>, text: &str, found: &Starts) {
    let at = found.offset(text, node.at);
    let first = text.get(at..).unwrap().chars().next().expect("a value");
    match &node.value {
        Value::Null => assert_eq!(first, 'n'),
        Value::Bool(value) => assert_eq!(first, if *value { 't' } else { 'f' }),
        Value::Number(_) => assert!(first.is_ascii_digit() || "+-.".contains(first)),
        Value::String(value) => {
            assert!("'\"".contains(first));
            if let Cow::Borrowed(value) = value {
                assert_eq!(Word::find(text, value).map(|word| word.start), Some(at));
            }
        }
        Value::Array(items) => {
            assert_eq!(first, '[');
            for item in items {
                places(item, text, found);
            }
        }
        Value::Object(members) => {
            assert_eq!(first, '{');
            for member in members {
                let key_at = found.offset(text, member.key_at);
                let key = text.get(key_at..).unwrap();
                let key = key.strip_prefix(['"', '\'']).unwrap_or(key);
                assert!(key.starts_with(member.key.as_ref()) || key.contains('\\'));
                if let Cow::Borrowed(key) = member.key {
                    let word = Word::find(text, key).unwrap();
                    let value = found.offset(text, member.node.at);
                    assert_eq!((word.start, word.value(text)), (key_at, Some(value)));
                }
                places(&member.node, text, found);
            }
        }
    }
}

/// Valid texts with a stretch taken out and pieces put in its place: close to the border on both sides.
fn edited() -> impl Strategy<Value = String> {
    let whole = prop::sample::select(vec![
        "{\"a\": [1, -2.5e+3, true, null], \"b\": {\"c\": \"\\u00e4\\n\"}}",
        "// x\n{a: +.5, 'b': 0x1F, $c: [5., 'it\\'s', \"\\x41\\\n\"], /* y */ \u{e4}1: {},}",
        "[[], {}, [{\"k\": [\"\\ud83d\\ude00\"]}], 0, -0, 1E-2]",
    ]);
    (whole, any::<prop::sample::Index>(), 0_usize..4, fragments(0..3)).prop_map(|(whole, at, cut, piece)| {
        let characters: Vec<char> = whole.chars().collect();
        let at = at.index(characters.len() + 1);
        let (before, after) = characters.split_at(at);
        before.iter().copied().chain(piece.chars()).chain(after.iter().copied().skip(cut)).collect()
    })
}

/// Text made of pieces both grammars are sensitive to: far more of it parses than of random characters.
fn fragments(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
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
        "0xfffffffffffffffff",
        "-0x8000000000000001",
        "18446744073709551616",
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
        "'\\9'",
        "\\\n",
        "\u{b}",
        "\u{a0}",
        "$",
        "_",
        "9007199254740993",
        "[{\"k\":[",
        "]}]",
    ]);
    prop::collection::vec(piece, count).prop_map(|pieces| pieces.concat())
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
    // The parser runs first, and nobody can tell.
    let read = parse(text, &Limits::default());
    let told = |error: &Error| (error.kind(), error.to_string(), error.location().cloned());
    prop_assert_eq!(read.as_ref().err().map(told), json5.as_ref().err().map(told), "{:?}", text);
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_guard_and_the_parsers_agree_on_fragments(text in fragments(0..24)) {
        agrees(&text)?;
    }

    #[test]
    fn the_guard_and_the_parsers_agree_on_edited_texts(text in edited()) {
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
