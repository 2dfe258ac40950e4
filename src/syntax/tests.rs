//! What the guard accepts and refuses, case by case.

use std::fmt::Write as _;

use super::{Dialect, KeyPath, Limits, check, locate, parse};
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
fn two_hundred_thousand_levels_are_refused_on_a_small_stack() {
    let texts = || ["[", "{\"a\":", "[{\"a\":"].map(|level| level.repeat(200_000));
    let comments = || ["/**/[", "//\n{a:", "[/*[*/"].map(|level| level.repeat(200_000));
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for text in texts() {
            assert_eq!(refused(&text, Dialect::Json).kind(), ErrorKind::TooDeep);
            assert_eq!(parse(&text, &Limits::default()).expect_err("deep").kind(), ErrorKind::TooDeep);
            // A caller cannot lift the limit to where the parser would overflow the stack.
            let lifted = Limits { max_depth: usize::MAX, ..Limits::default() };
            assert_eq!(parse(&text, &lifted).expect_err("deep").kind(), ErrorKind::TooDeep);
        }
        for text in comments() {
            assert_eq!(parse(&text, &Limits::default()).expect_err("deep").kind(), ErrorKind::TooDeep);
        }
        for comment in ["/**/", "//\n"] {
            assert!(parse(&format!("{}1", comment.repeat(200_000)), &Limits::default()).is_ok());
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
        for (offset, _) in text.char_indices().filter(|(offset, _)| offset % 97 < 5) {
            let (before, after) = text.split_at_checked(offset).unwrap();
            // With the next character, so that a CR at the end is not taken for a line break if LF follows.
            let seen = before.chars().chain(after.chars().next()).collect::<Vec<_>>();
            let ends = |i: usize| match seen.get(i..i + 2) {
                Some(['\r', next]) => *next != '\n',
                Some([c, _]) => *c == '\n',
                _ => false,
            };
            let breaks: Vec<_> = (0..before.chars().count()).filter(|i| ends(*i)).collect();
            let start = breaks.last().map_or(0, |last| last + 1);
            let column = before.chars().skip(start).filter(|c| *c != '\r').count() + 1;
            let found = super::Places::new(&text).locate(offset);
            let expected = (u32::try_from(breaks.len() + 1).ok(), u32::try_from(column).ok());
            assert_eq!((found.line, found.column), expected, "{offset}");
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
    assert_eq!(KeyPath::root().key("a\nb").to_string(), "[…]");
    assert_eq!(KeyPath::root().to_string(), "");
}

#[test]
fn a_value_is_found_by_its_path() {
    let text = "{\"p\": {\"x\": 1},\n \"profiles\": {\"a\": {\"x\": [0,\n  {\"y\": 5}]}, \"x\": 2},\n \"q\": {\"x\": [0, {\"y\": 6}], \"a\": {\"x\": 7}}}";
    let at = |path: KeyPath<'_>| {
        let location = locate(text, Dialect::Json, &path);
        (location.line.expect("line"), location.column.expect("column"), location.key_path.unwrap_or_default())
    };
    let inner = KeyPath::root().key("profiles").key("a").key("x").index(1).key("y");
    assert_eq!(at(inner), (3, 9, "profiles.a.x[1].y".into()));
    assert_eq!(at(KeyPath::root().key("profiles").key("x")), (3, 20, "profiles.x".into()));
    assert_eq!(at(KeyPath::root()), (1, 1, String::new()));
    // What is missing is placed at the object it is missing from.
    assert_eq!(at(KeyPath::root().key("profiles").key("a").key("key")), (2, 20, "profiles.a.key".into()));
}
