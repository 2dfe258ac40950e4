//! Structure inside a text: JSON, even cut off or printed by another language, and codes that stand where a code stands.

use serde_json::{Map, Value};

use super::envelope::is_envelope;
use super::rules::is_known_code;

/// How many places are tried at which an object may begin.
const MAX_STARTS: usize = 8;
/// How much of a text is searched for objects, in bytes.
const MAX_PARSED: usize = 32 << 10;
/// How much of a text is read as pairs where it cannot be parsed, in bytes.
const MAX_LOOSE: usize = 8 << 10;

/// The errors that a text holds: where the first begins, and what they are.
///
/// `told` says that the text stands alone, so that what has a message is an error; inside an answer it may be the caller's.
pub(super) fn objects_in(text: &str, told: bool) -> Option<(usize, Vec<Value>)> {
    let is_envelope = |value: &Value| is_envelope(value) || (told && has_sentence(value));
    let text = start_of(text, MAX_PARSED);
    let starts = || text.match_indices('{').map(|(at, _)| at).take(MAX_STARTS);
    for start in starts() {
        let mut values = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Value>();
        if let Some(Ok(value)) = values.next()
            && is_envelope(&value)
        {
            return Some((start, vec![value]));
        }
    }
    let start = starts().next()?;
    let found: Vec<Value> = loose(text.get(start..)?).into_iter().filter(|value| is_envelope(value)).collect();
    (!found.is_empty()).then_some((start, found))
}

/// Whether an object has a message of several words.
fn has_sentence(value: &Value) -> bool {
    value.get("message").and_then(Value::as_str).is_some_and(|message| message.trim().contains(' '))
}

fn start_of(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Members of an object that is cut off, or printed by Python, JavaScript or Ruby: name and value pairs, flat. A name
/// that comes again begins a new object.
fn loose(text: &str) -> Vec<Value> {
    let mut rest = start_of(text, MAX_LOOSE);
    let (mut objects, mut object) = (Vec::new(), Map::new());
    let mut name: Option<String> = None;
    while let Some(c) = rest.chars().next() {
        if c == '\'' || c == '"' {
            let Some((word, behind)) = string(rest, c) else { break };
            let after = behind.trim_start();
            if name.is_none()
                && let Some(value) = after.strip_prefix(':').or_else(|| after.strip_prefix("=>"))
            {
                name = Some(word);
                rest = value;
            } else {
                put(&mut objects, &mut object, name.take(), word.into());
                rest = behind;
            }
        } else if c.is_ascii_alphanumeric() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if name.is_none() && behind.trim_start().starts_with(':') {
                name = Some(word.to_owned());
                rest = behind.trim_start().get(1..).unwrap_or_default();
            } else {
                if let Ok(number) = word.parse::<u64>() {
                    put(&mut objects, &mut object, name.take(), number.into());
                }
                // `Some("...")`, `b'...'`: the value follows.
                if !behind.starts_with(['(', '\'', '"']) {
                    name = None;
                }
                rest = behind;
            }
        } else {
            if c == '{' {
                // The name of a nested object is a mark of an error, and no value of its own.
                if let Some(name) = name.take() {
                    put(&mut objects, &mut object, Some(name), Value::Object(Map::new()));
                }
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    objects.push(Value::Object(object));
    objects
}

fn put(objects: &mut Vec<Value>, object: &mut Map<String, Value>, name: Option<String>, value: Value) {
    let Some(name) = name else { return };
    if object.contains_key(&name) {
        objects.push(Value::Object(std::mem::take(object)));
    }
    object.insert(name, value);
}

/// A quoted text and what follows it. One that is cut off ends with the text.
fn string(text: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' | 'r' | 't' => word.push('\n'),
                c => word.push(c),
            },
            c if c == quote => return Some((word, text.get(at + 1..)?)),
            c => word.push(c),
        }
    }
    Some((word, ""))
}

/// The codes of the table that stand in a text where a code stands: alone, before the first colon, behind a status, or in
/// `(code: x)`; and those of an operating system or an HTTP client, which no request has.
pub(super) fn codes_in(text: &str) -> impl Iterator<Item = &str> {
    leading(text).chain(marked(text)).chain(of_system(text)).filter(|code| is_known_code(code))
}

fn of_system(text: &str) -> impl Iterator<Item = &str> {
    // Quoted ones keep a mark of it, and are no code any more.
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '`' | '\'' | '"'));
    words.filter(|word| {
        let upper = word.contains('_') && !word.bytes().any(|byte| byte.is_ascii_lowercase());
        upper
            && ["ERR_", "UND_ERR_", "EAI_", "CERT_", "SELF_", "DEPTH_", "UNABLE_"]
                .iter()
                .any(|start| word.starts_with(start))
    })
}

/// Words that a wrapper puts before what it was told.
const WRAPPERS: [&str; 9] =
    ["error", "apierror", "api error", "http", "http error", "failed", "request failed", "llm error", "status"];

/// The words before the colons at the start of the first line, as long as each is one word.
fn leading(text: &str) -> impl Iterator<Item = &str> {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let mut open = true;
    line.splitn(6, ": ")
        .take_while(move |part| {
            let code = without_status(part);
            std::mem::replace(&mut open, code.is_empty() || is_word(code) || is_wrapper(part))
        })
        .map(|part| {
            let code = without_status(part);
            // `Connect error resource_exhausted`
            let (before, last) = code.rsplit_once(' ').unwrap_or(("", code));
            let wrapped = before.split(' ').all(|word| CONNECTORS.iter().any(|known| known.eq_ignore_ascii_case(word)));
            let last = Some(last).filter(|last| wrapped && last.contains('_'));
            last_name(last.unwrap_or(code))
        })
}

/// Words of RPC libraries before a code.
const CONNECTORS: [&str; 6] = ["connect", "grpc", "rpc", "api", "http", "error"];

fn is_wrapper(part: &str) -> bool {
    WRAPPERS.iter().any(|wrapper| part.trim().eq_ignore_ascii_case(wrapper))
}

/// `HTTP 429 RESOURCE_EXHAUSTED` without its first words.
fn without_status(part: &str) -> &str {
    let mut part = part.trim().trim_start_matches(['[', '(']).trim_end_matches([']', ')', '.']);
    if let Some((first, rest)) = part.split_once(' ')
        && is_wrapper(first)
    {
        part = rest.trim_start();
    }
    match part.split_at_checked(3) {
        Some((digits, rest)) if digits.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(' ') => {
            rest.trim()
        }
        Some((digits, "")) if digits.bytes().all(|byte| byte.is_ascii_digit()) => "",
        _ => part,
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// `litellm.RateLimitError` is the class behind the dot; a path into a request is nothing.
fn last_name(word: &str) -> &str {
    match word.rsplit_once('.') {
        Some((_, class)) if class.starts_with(|c: char| c.is_ascii_uppercase()) && !class.contains('_') => class,
        _ => word,
    }
}

/// What stands behind `code:` and the like, in brackets before a sentence, and in the parentheses of Amazon's SDKs.
fn marked(text: &str) -> impl Iterator<Item = &str> {
    const MARKS: [&str; 8] = [
        "(code: ",
        "(code ",
        ", code: ",
        "code:",
        "error occurred (",
        "stop reason: ",
        "stop_reason: ",
        "finish_reason: ",
    ];
    let behind = |text: &'_ str| -> Option<usize> {
        text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.')).or(Some(text.len()))
    };
    let marks = MARKS.iter().flat_map(move |mark| {
        text.match_indices(mark).filter_map(move |(at, mark)| {
            let code = text.get(at + mark.len()..)?.trim_start_matches(' ');
            code.get(..behind(code)?).map(|code| code.trim_end_matches('.'))
        })
    });
    // `[insufficient_quota] You exceeded ...`
    let brackets = text.match_indices('[').filter_map(move |(at, _)| {
        let introduced = at == 0 || text.get(..at)?.ends_with(": ");
        let (code, sentence) = text.get(at + 1..)?.split_once("] ")?;
        (introduced && sentence.starts_with(|c: char| c.is_uppercase())).then_some(code)
    });
    marks.chain(brackets)
}

/// What a wrapper was told, as a quoted sentence at the end of a text: `OpenAI API error (403): "..."`.
pub(super) fn quoted_at_end(text: &str) -> Option<&str> {
    let text = text.trim().trim_end_matches(['.', ')', '!']);
    let mark = text.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    let inside = text.strip_suffix(mark)?;
    let (before, sentence) = inside.rsplit_once(mark)?;
    let before = before.trim_end();
    // Behind a colon, or behind a status and its phrase.
    let status =
        before.rsplit(' ').take(4).any(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let introduced = status || before.ends_with(|c: char| c == ':' || c == '-' || c.is_ascii_digit());
    (introduced && sentence.split_whitespace().count() > 3).then_some(sentence)
}
