//! Text that is no credential document: a typed error, never a document and never an abort.

#![allow(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "a fixture that fails is a failed test")]

use provider_auth::{AuthProfiles, ErrorKind};

const DOCUMENT: &str = r#"{"version":1,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":"sk-\u00e9","x":[1.5e3,-0,null,true]},"b":{"type":"oauth","provider":"anthropic","access":"ö","refresh":"r","expires":1700000000000}},"order":{"anthropic":["b"]},"lastGood":{},"usageStats":{"b":{"lastUsed":1}}}"#;

fn refused(text: &str) -> ErrorKind {
    match AuthProfiles::from_json(text) {
        Ok(_) => panic!("{} bytes of text that is no document were accepted: {:.80}", text.len(), text),
        Err(error) => {
            assert!(error.is_corrupt(), "{:?} for {:.80}", error.kind(), text);
            error.kind()
        }
    }
}

#[test]
fn a_document_cut_off_at_any_byte_is_an_error() {
    AuthProfiles::from_json(DOCUMENT).unwrap();
    for end in (0..DOCUMENT.len()).filter(|end| DOCUMENT.is_char_boundary(*end)) {
        refused(&DOCUMENT[..end]);
        refused(&format!("{}\n", &DOCUMENT[..end]));
        refused(&format!("{}\0", &DOCUMENT[..end]));
    }
}

#[test]
fn what_is_not_a_document_is_an_error() {
    for text in [
        "",
        " ",
        "\n",
        "null",
        "5",
        "true",
        "\"profiles\"",
        "[]",
        "[{\"profiles\":{}}]",
        "{}",
        "{\"version\":1}",
        "{\"profiles\":null}",
        "{\"profiles\":[]}",
        "{\"profiles\":\"\"}",
        "{\"profiles\":1}",
        "{\"Profiles\":{}}",
        "{\"profiles\":[{\"type\":\"api_key\"}]}",
        "{\"profiles\":{}}x",
        "{\"profiles\":{}}{}",
        "{\"profiles\":{},}",
        "{'profiles':{}}",
        "{profiles:{}}",
        "// no comments\n{\"profiles\":{}}",
        "{\"profiles\":{\"a\":NaN}}",
        "{\"profiles\":{\"a\":+1}}",
        "{\"profiles\":{\"a\":01}}",
        "{\"profiles\":{\"a\":\"\t\"}}",
        "{\"profiles\":{\"a\":\"\\x\"}}",
        "{\"anthropic\":{\"type\":\"api_key\",\"key\":\"k\"}}",
        "\0",
        "garbage",
        "{\"profiles\":{\"a\":Infinity}}",
    ] {
        refused(text);
    }
}

#[test]
fn a_key_that_stands_twice_is_an_error_at_every_level() {
    for text in [
        r#"{"profiles":{},"profiles":{}}"#,
        r#"{"version":1,"version":1,"profiles":{}}"#,
        r#"{"profiles":{"a":{"type":"api_key"},"a":{"type":"token"}}}"#,
        r#"{"profiles":{"a":1,"\u0061":2}}"#,
        r#"{"profiles":{"a":{"type":"api_key","provider":"p","key":"1","key":"2"}}}"#,
        r#"{"profiles":{},"order":{"p":[],"p":[]}}"#,
        r#"{"profiles":{},"usageStats":{"a":{},"a":{}}}"#,
        r#"{"profiles":{},"usageStats":{"a":{"lastUsed":1,"lastUsed":2}}}"#,
        r#"{"profiles":{},"later":{"x":1,"x":2}}"#,
    ] {
        assert_eq!(refused(text), ErrorKind::DuplicateKey, "{text}");
    }
}

#[test]
fn endless_nesting_is_a_typed_error_on_a_small_stack() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let (lists, objects) = (deep("[", "]"), format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)));
    let mut texts = vec![lists.clone(), objects.clone(), "[".repeat(100_000), "{\"a\":".repeat(100_000)];
    for nest in [&lists, &objects] {
        texts.push(format!(r#"{{"profiles":{{}},"later":{nest}}}"#));
        texts.push(format!(r#"{{"profiles":{{"p":{nest}}}}}"#));
        texts.push(format!(r#"{{"profiles":{{"p":{{"type":"api_key","provider":"a","key":"k","later":{nest}}}}}}}"#));
        texts.push(format!(r#"{{"profiles":{{}},"usageStats":{{"p":{{"later":{nest}}}}}}}"#));
        texts.push(format!(r#"{{"profiles":{{}},"order":{{"p":{nest}}}}}"#));
    }
    let on_a_small_stack = move || {
        for text in &texts {
            assert_eq!(refused(text), ErrorKind::TooDeep);
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(on_a_small_stack).unwrap().join().unwrap();
}

#[test]
fn nesting_that_people_write_is_accepted() {
    let nest = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let text = format!(r#"{{"profiles":{{}},"later":{nest}}}"#);
    assert_eq!(AuthProfiles::from_json(&text).unwrap().to_json().expose(), text);
}

#[test]
fn a_remark_on_every_entry_takes_linear_time() {
    let entries: Vec<String> = (0..20_000).map(|n| format!(r#""p{n}":{{"type":"x"}}"#)).collect();
    let text = format!(r#"{{"profiles":{{{}}}}}"#, entries.join(",\n"));
    let profiles = AuthProfiles::from_json(&text).unwrap();
    let last = profiles.diagnostics().last().unwrap();
    assert_eq!((last.location.line, last.location.key_path.as_deref()), (Some(20_000), Some("profiles.p19999.type")));
}
