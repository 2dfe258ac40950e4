//! Extracting a secret from an assignment, from several lines, or from a JSON object.

use serde_json::{Map, Value};

use super::clean::{after_word, is_blank_char, is_line_break, is_outer};

/// What precedes an assignment in shells, in container lists, and in the output of programs.
const ASSIGNING: [&str; 17] = [
    "export",
    "declare -x",
    "setx",
    "set -x",
    "set -gx",
    "set -xg",
    "set -Ux",
    "set -xU",
    "set",
    "env",
    "ENV",
    "const",
    "let",
    "var",
    "--env",
    "-e",
    "-",
];

/// The suffixes of names of secrets, in capitals.
const SECRET_ENDS: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"];

/// The suffixes of names of secrets, in any case.
const LONG_ENDS: [&str; 5] = ["api_key", "api-key", "apikey", "auth_token", "access_token"];

/// Names of secrets, in any case.
const SECRET_NAMES: [&str; 6] = ["key", "token", "secret", "secret_key", "authorization", "password"];

/// What may follow a quoted value: a comment, another command, an option of `setx`.
const BEHIND: [char; 4] = ['#', ';', '&', '/'];

pub(super) enum Lines<'t> {
    /// One text, which may be broken over the lines.
    One(&'t str),
    /// The only line with a secret; the others are comments and settings.
    Only(&'t str),
    /// Several secrets, or lines of unclear meaning.
    Several,
}

pub(super) fn line(text: &str) -> Lines<'_> {
    if !text.contains(is_line_break) {
        return Lines::One(text);
    }
    let lines = || text.split(is_line_break).filter(|line| !line.trim_matches(is_outer).is_empty());
    let is_secret = |line: &&str| assigned(line).is_some();
    let is_foreign = |line: &&str| is_remark(line) || (!is_secret(line) && is_setting(line));
    let mut secrets = lines().filter(|line| !is_remark(line)).filter(is_secret);
    if secrets.nth(1).is_some() {
        return Lines::Several;
    }
    if !lines().any(|line| is_foreign(&line)) {
        return Lines::One(text);
    }
    let mut others = lines().filter(|line| !is_foreign(line));
    match (others.next(), others.next()) {
        (Some(only), None) => Lines::Only(only),
        _ => Lines::Several,
    }
}

fn is_remark(line: &str) -> bool {
    line.trim_start_matches(is_outer).starts_with('#')
}

/// Recognises `NAME=value`, with a name in capitals. The padding at the end of a text is not a value.
fn is_setting(line: &str) -> bool {
    let line = line.trim_matches(is_outer);
    let text = after_word(line, "export").unwrap_or(line);
    text.split_once('=').is_some_and(|(name, value)| {
        let name = name.trim_end_matches(is_outer);
        is_identifier(name) && is_capitals(name) && !value.trim_matches('=').is_empty()
    })
}

/// Returns the only secret of a JSON object; `None` if there is none or more than one.
pub(super) fn member(text: &str) -> Option<String> {
    if !(text.starts_with('{') && text.ends_with('}')) {
        return None;
    }
    let members: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut secrets =
        members.into_iter().filter(|(name, _)| is_secret_name(name)).filter_map(|(_, value)| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
    let only = secrets.next()?;
    secrets.next().is_none().then_some(only)
}

/// Returns the value of an assignment: `NAME=value`, `export NAME=value`, `setx NAME value`, `$env:NAME = "value"`,
/// `NAME: value`.
///
/// The name must be one of a secret, because a key may contain any character; after `export` and the like it may be any
/// name.
pub(super) fn assigned(line: &str) -> Option<&str> {
    let line = line.trim_matches(is_outer);
    let command = ASSIGNING.iter().find_map(|word| after_word(line, word));
    let shell = line.split_at_checked("$env:".len());
    let shell = shell.filter(|(first, _)| first.eq_ignore_ascii_case("$env:")).map(|(_, rest)| rest);
    let text = command.or(shell).unwrap_or(line);
    let option = text.strip_prefix("--").filter(|rest| !rest.starts_with('-'));
    let text = option.unwrap_or(text);
    let is_assigned = command.or(shell).is_some();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'')))?;
    let (quoted, behind) = text.split_at_checked(end)?;
    let unquoted = |quote: char| quoted.strip_prefix(quote)?.strip_suffix(quote);
    let name = unquoted('"').or_else(|| unquoted('\'')).unwrap_or(quoted);
    if name.is_empty() || !(is_secret_name(name) || (is_assigned && is_identifier(name))) {
        return None;
    }
    let is_quoted = quoted != name;
    let after = behind.trim_start_matches(is_outer);
    let value = if let Some(value) = after.strip_prefix('=') {
        value
    } else if let Some(value) = after.strip_prefix(':') {
        // Keys contain colons too. In YAML and JSON a blank or a quotation mark precedes the value, and no key begins
        // with the name of a variable or a header.
        let is_parted = value.starts_with(is_blank_char) || value.starts_with(['"', '\'']);
        if !(is_parted || is_quoted || is_long_name(name)) {
            return None;
        }
        value
    } else if is_secret_name(name) && (command.is_some() || option.is_some()) && behind != after {
        after
    } else {
        return None;
    };
    let value = value.trim_matches(is_outer);
    let value = if value.starts_with(['"', '\'', '`']) {
        quoted_part(value)
    } else {
        [" #", " /M", " /m"].iter().fold(value, |value, end| value.split(end).next().unwrap_or(value))
    };
    let value = value.trim_end_matches([';']).trim_end_matches(is_outer);
    // The padding at the end of a text is not a value.
    (!value.trim_matches('=').is_empty()).then_some(value)
}

/// Returns the quoted text at the beginning, with its quotation marks, if something follows that is not part of it.
fn quoted_part(value: &str) -> &str {
    let mark = value.chars().next();
    let end =
        value.char_indices().skip(1).find(|(_, c)| Some(*c) == mark).map(|(at, c)| at.saturating_add(c.len_utf8()));
    let parts = end.and_then(|end| value.split_at_checked(end));
    parts.filter(|(_, behind)| behind.trim_start_matches(is_outer).starts_with(BEHIND)).map_or(value, |(part, _)| part)
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_capitals(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_secret_name(name: &str) -> bool {
    let numbered = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let ends = SECRET_ENDS.iter().any(|end| numbered.ends_with(end));
    (ends && is_capitals(name))
        || SECRET_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        || (!name.contains(['"', '\'']) && LONG_ENDS.iter().any(|end| ends_with(name, end)))
}

/// Returns `true` for a name of several words that only a variable or a header has.
fn is_long_name(name: &str) -> bool {
    let is_variable = is_capitals(name) && name.contains('_');
    is_variable || name.eq_ignore_ascii_case("x-api-key") || name.eq_ignore_ascii_case("authorization")
}

fn ends_with(name: &str, end: &str) -> bool {
    let at = name.len().checked_sub(end.len());
    at.and_then(|at| name.get(at..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
}
