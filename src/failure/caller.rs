//! Removal of the caller's own words from a provider's message.
//!
//! Providers repeat what they received: names of tools and parameters, paths into the request, pieces of prompts. Such
//! words are no evidence: a tool called `get_credit_balance` says nothing about the account.

/// Replaces what was removed, so that the words around it do not become neighbors.
const GAP: char = '\u{2026}';

/// The maximum length of a quotation in bytes; the marks of a longer one are treated as stray.
const LONGEST_QUOTE: usize = 400;

/// Returns the message without quotations, text in backticks, identifiers (words with underscores or dots, paths,
/// URLs), and these names.
pub(super) fn without_caller_words(message: &str, names: &[Box<str>]) -> String {
    let unnamed = without_names(message, names);
    let message = unnamed.as_deref().unwrap_or(message);
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        // Most of a message is plain words.
        let plain = plain_words(rest);
        if plain > 0 {
            let (words, left) = rest.split_at_checked(plain).unwrap_or((rest, ""));
            out.push_str(words);
            (before, rest) = (' ', left);
            continue;
        }
        let step = match quoted(rest, before) {
            Some(end) => {
                out.push(GAP);
                end
            }
            None if is_part(c) => {
                let end = word_end(rest);
                push_word(&mut out, rest.get(..end).unwrap_or_default());
                end
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        before = rest.get(..step).and_then(|taken| taken.chars().next_back()).unwrap_or(' ');
        rest = rest.get(step..).unwrap_or_default();
    }
    out
}

/// Returns the message without these names, in any case, as separate words; `None` if there is none.
fn without_names(message: &str, names: &[Box<str>]) -> Option<String> {
    let mut left: Option<String> = None;
    for name in names {
        let text = left.as_deref().unwrap_or(message);
        let lower = text.to_ascii_lowercase();
        let wanted = name.trim().to_ascii_lowercase();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let mut out = String::new();
        let mut from = 0;
        for (at, found) in lower.match_indices(&wanted).filter(|_| !wanted.is_empty()) {
            let (before, after) =
                (text.get(..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
            if !before.ends_with(word) && !after.starts_with(word) {
                out.push_str(text.get(from..at).unwrap_or_default());
                out.push(GAP);
                from = at + found.len();
            }
        }
        if from > 0 {
            out.push_str(text.get(from..).unwrap_or_default());
            left = Some(out);
        }
    }
    left
}

/// Returns the length of the plain words, without any part of an identifier or a quotation, up to the last space in
/// them.
fn plain_words(text: &str) -> usize {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b',' | b'-');
    let end = text.as_bytes().iter().position(|byte| !plain(byte)).unwrap_or(text.len());
    text.as_bytes().get(..end).and_then(|words| words.iter().rposition(|byte| *byte == b' ')).map_or(0, |at| at + 1)
}

/// Returns the end of the quotation that begins here; `None` if none begins.
fn quoted(text: &str, before: char) -> Option<usize> {
    let mark = text.chars().next()?;
    let close = match mark {
        '"' | '`' => mark,
        // An apostrophe is inside a word.
        '\'' if !before.is_alphanumeric() => mark,
        '\u{201c}' => '\u{201d}',
        '\u{2018}' if !before.is_alphanumeric() => '\u{2019}',
        '\u{201e}' => {
            if text.contains('\u{201d}') {
                '\u{201d}'
            } else {
                '\u{201c}'
            }
        }
        '\u{ab}' => '\u{bb}',
        '\u{2039}' => '\u{203a}',
        '\u{300c}' => '\u{300d}',
        '\u{300e}' => '\u{300f}',
        _ => return None,
    };
    let start = mark.len_utf8();
    let mut end = text.len().min(start + LONGEST_QUOTE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let inside = text.get(start..end)?;
    let found = inside.match_indices(close).find(|(at, _)| {
        let after = inside.get(at + close.len_utf8()..).unwrap_or_default();
        // The genitive of a quotation: `'get_x's schema`.
        let after = after.strip_prefix("s ").map_or(after, |_| " ");
        !matches!(close, '\'' | '\u{2019}') || !after.starts_with(char::is_alphanumeric)
    });
    // A punctuation mark in quotes is nobody's word.
    let found = found.filter(|(at, _)| inside.get(..*at).is_some_and(|inside| inside.contains(char::is_alphanumeric)));
    found.map(|(at, _)| start + at + close.len_utf8())
}

/// Returns `true` if a character can be part of an identifier.
fn is_part(c: char) -> bool {
    c.is_ascii_graphic()
        && !matches!(c, '"' | '`' | '\'' | ',' | ';' | '(' | ')' | '<' | '>' | '|' | '!' | '?' | '[' | ']' | '{' | '}')
}

/// Returns the end of an index in a path: `[0]`, or `["name"]`.
fn index(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(']').filter(|end| (1..40).contains(end))?;
    let content = inside.get(..end)?;
    let named = content.starts_with(['"', '\'']) && content.len() > 2;
    (named || content.bytes().all(|byte| byte.is_ascii_digit())).then_some(end + 2)
}

/// Returns the end of the word that begins here: an apostrophe between two letters is part of it.
fn word_end(text: &str) -> usize {
    let (mut at, mut letter) = (0, false);
    while let Some(rest) = text.get(at..) {
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { break };
        let apostrophe = c == '\'' && letter && chars.next().is_some_and(char::is_alphanumeric);
        let step = if letter && c == '[' { index(rest) } else { None };
        match step {
            Some(step) => at += step,
            None if is_part(c) || apostrophe => at += c.len_utf8(),
            None => break,
        }
        letter = c.is_alphanumeric() || c == '_' || c == '[';
    }
    at
}

fn push_word(out: &mut String, word: &str) {
    let punctuation = |c: char| matches!(c, '.' | ':' | '*' | '-');
    let core = word.trim_matches(punctuation);
    let (lead, trail) = match word.split_once(core) {
        Some(ends) if !core.is_empty() => ends,
        _ => return out.push_str(word),
    };
    out.push_str(lead);
    if core.starts_with("models/") || core.contains("/models/") && !core.starts_with('/') && !core.contains("://") {
        // Google's resource names: what follows names a model.
        out.push_str("model ");
        out.push(GAP);
    } else if matches!(core, "stop_reason" | "finish_reason") {
        // The protocol's own words.
        out.push_str(&core.replace('_', " "));
    } else if let Some((sentence, next)) = joined_sentences(core) {
        out.push_str(sentence);
        out.push_str(". ");
        out.push_str(next);
    } else if is_identifier(core) {
        out.push(GAP);
    } else {
        out.push_str(core);
    }
    out.push_str(trail);
}

/// Returns the end of one sentence and the start of the next, if there is no space between them.
fn joined_sentences(word: &str) -> Option<(&str, &str)> {
    let (end, start) = word.split_once('.')?;
    let plain = |part: &str| part.chars().all(|c| c.is_ascii_alphabetic() || c == '\'');
    let new = start.starts_with(|c: char| c.is_ascii_uppercase()) && end.ends_with(|c: char| c.is_ascii_lowercase());
    (new && plain(end) && plain(start) && !end.starts_with(|c: char| c.is_ascii_uppercase())).then_some((end, start))
}

fn is_identifier(word: &str) -> bool {
    let letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let slashes = word.matches('/').count();
    letters
        && (word.contains(['_', '.', '\\', '=', '@', '$', '#', '['])
            || word.contains("::")
            || word.contains("->")
            || word.starts_with('/')
            || slashes > 1
            || (slashes == 1 && word.bytes().any(|byte| byte.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_wrote_goes_and_the_sentence_stays() {
        for (message, expected) in [
            ("The model `gpt-5` does not exist", "The model … does not exist"),
            ("tools.4.get_rate_limit: Field required", "…: Field required"),
            ("tools[0].quota.name: 'credit balance' is not valid", "…: … is not valid"),
            ("You've hit your users' limit. It's over", "You've hit your users' limit. It's over"),
            ("Invalid value \"insufficient_quota\" or \u{201c}revoked\u{201d}", "Invalid value … or …"),
            ("See https://x.example/billing, then /v1/credits.", "See …, then …."),
            ("models/gemini-9 is not found", "model … is not found"),
            ("quota exceeded.Please wait and/or pay", "quota exceeded. Please wait and/or pay"),
            ("rate-limit of 26.075 tokens", "rate-limit of 26.075 tokens"),
            ("an open \" mark", "an open \" mark"),
            ("余额不足，请充值 https://x.example", "余额不足，请充值 …"),
        ] {
            assert_eq!(without_caller_words(message, &[]), expected, "{message}");
        }
        let names = ["billing".into()];
        assert_eq!(without_caller_words("The tool billing: failed", &names), "The tool …: failed");
    }
}
