//! Parses the text of an `.env` file.

use indexmap::IndexMap;
use zeroize::Zeroizing;

use crate::secret::{Secret, is_blank_char};

/// Returns the variables of an `.env` file: lines `NAME=value` or `export NAME=value`, with `#` for comments and
/// optional quotation marks. The last value of a repeated name counts. Other lines are ignored; values over several
/// lines and references to other variables are not supported.
pub(super) fn variables(text: &str) -> IndexMap<Box<str>, Secret> {
    text.trim_start_matches('\u{feff}').lines().filter_map(variable).collect()
}

fn variable(line: &str) -> Option<(Box<str>, Secret)> {
    let line = line.trim_matches(is_blank_char);
    let line = line.strip_prefix("export").filter(|rest| rest.starts_with(is_blank_char)).unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim_matches(is_blank_char);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let value = value.trim_matches(is_blank_char);
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name.into(), Secret::new(unquoted(value))))
}

/// Returns the value without its quotation marks, or up to the comment after it.
fn unquoted(value: &str) -> String {
    let quoted = |quote: char| value.strip_prefix(quote)?.split_once(quote).map(|(inner, _)| inner);
    match ['\'', '"', '`'].into_iter().find_map(|quote| Some((quote, quoted(quote)?))) {
        Some(('"', inner)) => Zeroizing::new(inner.replace("\\n", "\n")).replace("\\r", "\r"),
        Some((_, inner)) => inner.to_owned(),
        None => value.split('#').next().unwrap_or_default().trim_matches(is_blank_char).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_form() {
        let text = "\u{feff}A=1\n# B=2\n export C = three # remark\r\nD='a # b' # remark\nE=\"x\\ny\"\nF=\nG=\"open\n\
                    no line\n =nameless\ntwo words=1\nH=`back`\nexported=yes\nA=again\nI=a=b";
        let found = variables(text);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, value.expose())).collect();
        let expected = [
            ("A", "again"),
            ("C", "three"),
            ("D", "a # b"),
            ("E", "x\ny"),
            ("F", ""),
            ("G", "\"open"),
            ("H", "back"),
            ("exported", "yes"),
            ("I", "a=b"),
        ];
        assert_eq!(found, expected);
    }
}
