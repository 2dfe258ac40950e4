//! Substitutes `${NAME}` in configured text.

use std::borrow::Cow;

use crate::secret::Secret;

/// A text after substitution. No `Debug`: the text may be a secret.
#[derive(Default)]
pub(super) struct Substituted<'t> {
    /// The result; the only field that may hold a secret.
    pub(super) text: Cow<'t, str>,
    /// Names without a value. Their placeholders are still in the text.
    pub(super) missing: Vec<&'t str>,
    /// Names that are not followed by a closing brace, as in `${NAME:-default}`.
    pub(super) untouched: Vec<&'t str>,
    /// `true` if the result would be longer than allowed and is therefore incomplete.
    pub(super) too_long: bool,
}

/// Replaces every `${NAME}` by the variable's value, and every `$${NAME}` by `${NAME}`.
///
/// A name is `[A-Z_][A-Z0-9_]*`; anything else stays as it is. Values are not searched for further placeholders.
///
/// Stops at a result of more than `limit` bytes, because a short text can name a long value many times.
pub(super) fn substitute(text: &str, limit: usize, lookup: impl Fn(&str) -> Option<Secret>) -> Substituted<'_> {
    let mut done = Substituted { text: Cow::Borrowed(text), ..Substituted::default() };
    // A search for one byte first, because most texts have none.
    if !text.contains('$') || !text.contains("${") {
        return done;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find('$').and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        if out.len() > limit {
            done.too_long = true;
            return done;
        }
        let escaped = from.starts_with("$${");
        let Some(inside) = from.strip_prefix(if escaped { "$${" } else { "${" }) else {
            out.push('$');
            rest = from.strip_prefix('$').unwrap_or_default();
            continue;
        };
        let (name, after) = split_name(inside);
        match after.strip_prefix('}') {
            Some(after) if !name.is_empty() => {
                let value = if escaped { None } else { lookup(name) };
                if let Some(value) = value {
                    out.push_str(value.expose());
                } else {
                    if !escaped {
                        done.missing.push(name);
                    }
                    out.extend(["${", name, "}"]);
                }
                rest = after;
            }
            _ => {
                // A letter after it makes it another kind of name, such as `${Foo}`, which is never substituted.
                let mixed = after.starts_with(|c: char| c.is_ascii_alphanumeric());
                if !escaped && !name.is_empty() && !mixed {
                    done.untouched.push(name);
                }
                out.push('$');
                rest = from.strip_prefix('$').unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    done.too_long = out.len() > limit;
    done.text = Cow::Owned(out);
    done
}

/// Returns the name at the beginning, which may be empty, and the rest.
fn split_name(text: &str) -> (&str, &str) {
    let fits =
        |(i, byte): &(usize, u8)| byte.is_ascii_uppercase() || *byte == b'_' || (*i > 0 && byte.is_ascii_digit());
    let length = text.bytes().enumerate().take_while(fits).count();
    text.split_at_checked(length).unwrap_or(("", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_table() {
        let variables = [("FOO", "bar"), ("A_1", "1"), ("_X", "x"), ("EMPTY", ""), ("NEST", "${FOO}"), ("D", "$")];
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, value)| *known == name && !value.is_empty());
            found.map(|(_, value)| Secret::new(*value))
        };
        let cases: &[(&str, &str, &[&str], &[&str])] = &[
            ("", "", &[], &[]),
            ("plain", "plain", &[], &[]),
            ("${FOO}", "bar", &[], &[]),
            ("a${FOO}b${A_1}${_X}c", "abarb1xc", &[], &[]),
            ("${FOO}/$${LITERAL}", "bar/${LITERAL}", &[], &[]),
            ("$${FOO} ${FOO}", "${FOO} bar", &[], &[]),
            ("$${A}:$${B}", "${A}:${B}", &[], &[]),
            ("$$${FOO}", "$${FOO}", &[], &[]),
            ("${NEST}", "${FOO}", &[], &[]),
            ("${D}{FOO}", "${FOO}", &[], &[]),
            ("$FOO", "$FOO", &[], &[]),
            ("${foo} ${Foo} ${1FOO} ${} ${-}", "${foo} ${Foo} ${1FOO} ${} ${-}", &[], &[]),
            ("${FOO:-x}", "${FOO:-x}", &[], &["FOO"]),
            ("${FOO", "${FOO", &[], &["FOO"]),
            ("$${FOO:-x}", "$${FOO:-x}", &[], &["FOO"]),
            ("${MISSING} ${FOO} ${EMPTY}", "${MISSING} bar ${EMPTY}", &["MISSING", "EMPTY"], &[]),
            ("\u{e4}${FOO}\u{4e2d}$", "\u{e4}bar\u{4e2d}$", &[], &[]),
        ];
        for (text, expected, missing, untouched) in cases {
            let done = substitute(text, usize::MAX, lookup);
            assert_eq!(done.text, *expected, "{text}");
            assert_eq!(done.missing, *missing, "{text}");
            assert_eq!(done.untouched, *untouched, "{text}");
        }
    }
}
