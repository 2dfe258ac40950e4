//! Structure inside a text: JSON, even if cut off or printed by another language, and codes in the position of a code.

use serde_json::{Map, Value};

use super::envelope::is_envelope;
use super::rules::is_known_code;

/// The number of positions at which to try to parse an object.
const MAX_STARTS: usize = 8;
/// The maximum length of a text to search for objects, in bytes.
const MAX_PARSED: usize = 32 << 10;
/// The maximum length of an unparsable text to read as pairs, in bytes.
const MAX_LOOSE: usize = 8 << 10;

/// Returns the errors in a text, and the position of the first.
///
/// `told` is `true` if the text is not part of an answer, so that an object with a message is an error. Inside an
/// answer it may be the caller's.
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

/// Returns `true` if an object has a message of several words.
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

/// Returns the members of an object that is cut off, or printed by Python, JavaScript or Ruby, as flat pairs. A
/// repeated name begins a new object.
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
                // The name of a nested object marks an error, but has no value.
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

/// Returns a quoted text and the rest. A text that is cut off ends the quotation.
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

/// Returns the codes of the tables in a position of a code: alone, before the first colon, after a status, or in
/// `(code: x)`. Also returns those of an operating system or an HTTP client, which no request contains.
pub(super) fn codes_in(text: &str) -> impl Iterator<Item = &str> {
    leading(text).chain(marked(text)).chain(of_system(text)).filter(|code| is_known_code(code))
}

fn of_system(text: &str) -> impl Iterator<Item = &str> {
    // Quoted words keep a mark, and thus are no codes.
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '`' | '\'' | '"'));
    words.filter(|word| {
        let upper = word.contains('_') && !word.bytes().any(|byte| byte.is_ascii_lowercase());
        upper
            && ["ERR_", "UND_ERR_", "EAI_", "CERT_", "SELF_", "DEPTH_", "UNABLE_"]
                .iter()
                .any(|start| word.starts_with(start))
    })
}

/// Words that a wrapper puts before the error it received.
const WRAPPERS: [&str; 9] =
    ["error", "apierror", "api error", "http", "http error", "failed", "request failed", "llm error", "status"];

/// Returns the words before the colons at the start of the first line, as long as each is one word.
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

/// Strips the first words of `HTTP 429 RESOURCE_EXHAUSTED`.
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

/// Returns the class after the dot of `litellm.RateLimitError`, and nothing for a path into a request.
fn last_name(word: &str) -> &str {
    match word.rsplit_once('.') {
        Some((_, class)) if class.starts_with(|c: char| c.is_ascii_uppercase()) && !class.contains('_') => class,
        _ => word,
    }
}

/// Returns what follows `code:` and the like, is in brackets before a sentence, or in the parentheses of Amazon's SDKs.
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

/// Returns the error that a wrapper quotes at the end of a text: `OpenAI API error (403): "..."`.
pub(super) fn quoted_at_end(text: &str) -> Option<&str> {
    let text = text.trim().trim_end_matches(['.', ')', '!']);
    let mark = text.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    let inside = text.strip_suffix(mark)?;
    let (before, sentence) = inside.rsplit_once(mark)?;
    let before = before.trim_end();
    // After a colon, or after a status and its phrase.
    let status =
        before.rsplit(' ').take(4).any(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let introduced = status || before.ends_with(|c: char| c == ':' || c == '-' || c.is_ascii_digit());
    (introduced && sentence.split_whitespace().count() > 3).then_some(sentence)
}
