//! The wording of errors: help is for the users of a program, and a cause does not repeat its error.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use provider_auth::failure::{SubscriptionRefusal, TransportError};
use provider_auth::{Error, ErrorKind, Failure, FailureReason};

use super::{REFUSALS, local, provoked, wire};

fn source_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The crate's sources by path, without their unit tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    source_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let text = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
    };
    files.retain(|path| !path.components().any(|part| part.as_os_str() == "tests"));
    files.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

/// The names of the crate's public types and functions, with the functions of traits and the variants of enums.
fn items(sources: &[(PathBuf, String)]) -> BTreeSet<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut items = BTreeSet::new();
    for (_, text) in sources {
        for keyword in
            ["pub fn ", "pub const fn ", "pub async fn ", "pub struct ", "pub enum ", "pub trait ", "pub type "]
        {
            items.extend(text.split(keyword).skip(1).map(name));
        }
        let block = |keyword| text.split(keyword).skip(1).map(|block| block.split("\n}").next().unwrap());
        items.extend(block("pub trait ").flat_map(|block| block.split(" fn ").skip(1)).map(name));
        let variants = block("pub enum ").flat_map(|block| block.lines().skip(1)).map(|line| name(line.trim()));
        items.extend(variants.filter(|name| name.starts_with(char::is_uppercase)));
    }
    items
}

/// The texts between quotation marks, outside comments.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rest = code.as_str();
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, from) = rest.split_at(at);
        let hashes = before.chars().rev().take_while(|c| *c == '#').count();
        let Some(quoted) = from.strip_prefix('"') else {
            rest = after_apostrophe(from.strip_prefix('\'').unwrap());
            continue;
        };
        let (text, after) = if before.trim_end_matches('#').ends_with('r') {
            quoted.split_once(&format!("\"{}", "#".repeat(hashes))).unwrap()
        } else {
            let mut escaped = false;
            let ends = |c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            };
            quoted.split_once(ends).unwrap()
        };
        found.push(text.to_owned());
        rest = after;
    }
    found
}

/// The rest of a source after a character, or after the apostrophe of a lifetime.
fn after_apostrophe(quoted: &str) -> &str {
    if let Some(escape) = quoted.strip_prefix('\\') {
        return escape.split_at(1).1.split_once('\'').unwrap().1;
    }
    let mut chars = quoted.chars();
    chars.next();
    chars.as_str().strip_prefix('\'').unwrap_or(quoted)
}

/// Words that stand in the user's files or in any text as well.
const PLAIN: [&str; 3] = ["api_key", "OAuth", "OpenRouter"];

/// What in a text is code of this crate: a path, or one of its items in backticks.
fn code_in<'a>(text: &'a str, items: &BTreeSet<String>) -> Option<&'a str> {
    text.split('`').skip(1).step_by(2).find(|span| {
        let item = span.split('(').next().unwrap_or_default();
        let telling = item.contains('_') || item.starts_with(char::is_uppercase) || span.ends_with(')');
        span.contains("::") || telling && !PLAIN.contains(&item) && items.contains(item)
    })
}

/// The items that a text names anywhere, of those that cannot be mistaken for a word of English.
fn named_in<'a>(text: &'a str, items: &BTreeSet<String>) -> Option<&'a str> {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.find(|word| {
        let capitals = word.chars().filter(|c| c.is_uppercase()).count();
        let camel = capitals > 1 && word.contains(char::is_lowercase);
        (camel || word.contains('_')) && !PLAIN.contains(word) && items.contains(*word)
    })
}

#[tokio::test]
async fn help_names_nothing_of_this_crate() {
    let items = items(&sources());
    for item in ["save_key", "ReadOptions", "RefreshCoordinator", "record_failure", "NotRequested"] {
        assert!(items.contains(item), "{item}");
    }
    let provoked = provoked().await;
    let of_kinds = ErrorKind::all().map(ErrorKind::help);
    let of_failures = FailureReason::all().map(|reason| Failure::new(reason).with_host("h").help().into_owned());
    let of_diagnostics = provoked.iter().flat_map(Error::diagnostics).filter_map(|found| found.help.clone());
    let fixed = of_kinds.chain(REFUSALS.map(SubscriptionRefusal::help));
    let fixed = fixed.chain(TransportError::all().map(TransportError::help)).map(str::to_owned);
    let of_errors = provoked.iter().map(|error| error.help().to_owned());
    for help in fixed.chain(of_errors).chain(of_failures).chain(of_diagnostics) {
        assert!(!help.contains("::"), "{help}");
        assert_eq!(code_in(&help, &items).or(named_in(&help, &items)), None, "{help}");
    }
}

#[test]
fn no_text_in_the_sources_names_an_item() {
    let sources = sources();
    let items = items(&sources);
    let mut seen = 0;
    let mut naming = Vec::new();
    for (path, source) in &sources {
        for literal in literals(source) {
            naming.extend(code_in(&literal, &items).map(|item| format!("{}: `{item}`", path.display())));
            seen += 1;
        }
    }
    assert!(naming.is_empty(), "{}", naming.join("\n"));
    assert!(seen > 1_500, "only {seen} texts were found");
}

#[test]
fn the_search_for_names_finds_them() {
    let source = r#"
        // "`setup::save_key`" in a comment
        fn quote<'a>(c: &'a str) { c == '"' || c == '\'' || c == '\u{2018}' } "a \" `x`" r"raw \ `max_bytes`"
    "#;
    assert_eq!(literals(source), [r#"a \" `x`"#, r"raw \ `max_bytes`"]);
    let items = items(&sources());
    for (help, found) in [
        ("Use the SelectorRules.", Some("SelectorRules")),
        ("Call save_key() again.", Some("save_key")),
        ("Wait for `RefreshOutcome`", Some("RefreshOutcome")),
        ("OpenClaw's OAuth login takes an api_key of OpenRouter; Config is a Failure.", None),
    ] {
        assert_eq!(named_in(help, &items), found);
    }
}

/// Whether two texts say the same, or one only adds to the other.
fn repeats(one: &str, other: &str) -> bool {
    one.contains(other) || other.contains(one)
}

#[tokio::test]
async fn a_cause_says_something_else() {
    let mut causes = 0;
    let mut errors = provoked().await;
    errors.extend([local::included(), wire::renewal().await]);
    #[cfg(feature = "conformance")]
    errors.push(provider_auth::store::conformance::check(super::stores::Idle::default).unwrap_err());
    for error in errors {
        let mut above = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            assert!(!repeats(&above, &text), "{above:?} because of {text:?}");
            (above, source, causes) = (text, cause.source(), causes + 1);
        }
    }
    assert!(causes > 4, "{causes}");
}
