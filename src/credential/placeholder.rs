//! Recognising placeholders from templates and documentation.
//!
//! The rules look at words between separators, ignoring case and the prefix of keys (`sk-`, `sk-ant-api03-`). Single
//! words that may be a gateway's key (`local`, `dummy`, `ollama`, `none`, `test`) are not listed.

/// The parts of key prefixes, which may precede the placeholder.
const KEY_BEGINNINGS: [&str; 15] =
    ["sk", "ant", "api", "api01", "api02", "api03", "oat", "oat01", "proj", "or", "v1", "gsk", "xai", "hf", "pk"];

/// Texts that are placeholders as a whole, ignoring separators.
const WHOLE: [&str; 19] = [
    "changeme",
    "changethis",
    "changeit",
    "changemenow",
    "pleasechangeme",
    "replaceme",
    "replacethis",
    "redacted",
    "todo",
    "tbd",
    "fixme",
    "undefined",
    "objectobject",
    "setme",
    "fillme",
    "fillmein",
    "fillin",
    "fillthisin",
    "pleasereplace",
];

/// What programs write for a missing value, ignoring separators. A gateway may accept such a word.
const NOTHING: [&str; 6] = ["null", "nil", "nan", "unset", "notset", "notconfigured"];

/// "Your" in other languages, and words for a secret.
const YOURS: [&str; 16] = [
    "votre", "ton", "ta", "tu", "su", "dein", "deine", "deinen", "ihr", "ihre", "ihren", "sua", "seu", "tua", "mijn",
    "jouw",
];
const FOREIGN_NOUNS: [&str; 11] = [
    "clave",
    "llave",
    "chave",
    "chiave",
    "cle",
    "cl\u{e9}",
    "schluessel",
    "schl\u{fc}ssel",
    "schlussel",
    "sleutel",
    "jeton",
];

/// "Here" in other languages.
const HERES: [&str; 6] = ["hier", "aqui", "aqu\u{ed}", "ici", "qui", "aca"];

/// "Your" and "key" in scripts that no secret uses.
const SCRIPTS: [&str; 12] = [
    "\u{4f60}\u{7684}",
    "\u{60a8}\u{7684}",
    "\u{5bc6}\u{94a5}",
    "\u{5bc6}\u{9470}",
    "\u{3042}\u{306a}\u{305f}",
    "\u{3053}\u{3053}",
    "\u{30ad}\u{30fc}",
    "\u{c5ec}\u{ae30}",
    "\u{d0a4}",
    "\u{432}\u{430}\u{448}",
    "\u{412}\u{430}\u{448}",
    "\u{43a}\u{43b}\u{44e}\u{447}",
];

/// The beginnings of instructions to the reader, ignoring separators.
const TELLING: [&str; 2] = ["replacewith", "tobereplaced"];

/// First words of instructions about a secret.
const VERBS: [&str; 8] = ["insert", "put", "paste", "enter", "add", "provide", "fill", "type"];

const NOUNS: [&str; 7] = ["key", "token", "secret", "password", "credential", "value", "auth"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is a placeholder at any host.
    Certain,
    /// It is a placeholder unless it goes to a gateway: people use such texts for their own servers, which check no
    /// key.
    Probable,
}

/// Returns how likely a text is a placeholder; `None` if it is not one.
pub(super) fn placeholder(text: &str) -> Option<Likeness> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_plain && (is_framed(text) || is_cut(text)) {
        return Some(Likeness::Certain);
    }
    if !text.is_ascii() && SCRIPTS.iter().any(|word| text.contains(word)) {
        return Some(Likeness::Certain);
    }
    let mut words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if is_named(&words) {
        return Some(Likeness::Certain);
    }
    let begins = words.iter().take_while(|word| is_one_of(word, &KEY_BEGINNINGS)).count();
    words.drain(..begins);
    if is_worded(&words) {
        return Some(Likeness::Certain);
    }
    if is_written(&words, &NOTHING) {
        return Some(Likeness::Probable);
    }
    let named = words.iter().take_while(|word| is_one_of(word, &NOUNS)).count();
    let mut letters = words.iter().skip(named).flat_map(|word| word.bytes()).peekable();
    letters.peek()?;
    let (count, all) =
        letters.fold((0, true), |(count, all), byte| (count + 1, all && byte.eq_ignore_ascii_case(&b'x')));
    (all && count >= 3).then_some(Likeness::Probable)
}

/// Returns `true` if the words form one of these lower-case texts, ignoring separators and case.
fn is_written(words: &[&str], texts: &[&str]) -> bool {
    let length = words.iter().map(|word| word.len()).sum::<usize>();
    let letters = || words.iter().flat_map(|word| word.chars()).map(|c| c.to_ascii_lowercase());
    // Nearly every text has another length.
    texts.iter().any(|text| text.len() == length && letters().eq(text.chars()))
}

/// Recognises the brackets of templates: `<key>`, `[key]`, `{{key}}`, `__KEY__`, `@@KEY@@`.
fn is_framed(text: &str) -> bool {
    let inside = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let is_word = |inner: &str| {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.');
        inner.chars().all(fits) && inner.contains(char::is_alphabetic)
    };
    if inside("<", ">").is_some_and(|inner| !inner.is_empty()) || text.contains("{{") && text.contains("}}") {
        return true;
    }
    // A prefix of keys with a placeholder after it: `sk-ant-<key>`.
    if text.ends_with('>')
        && text.split_once('<').is_some_and(|(_, inner)| inner.trim_end_matches('>').contains(char::is_alphabetic))
    {
        return true;
    }
    let frames =
        [("[", "]"), ("{", "}"), ("(", ")"), ("__", "__"), ("@@", "@@"), ("#{", "}"), ("#{", "}#"), ("**", "**")];
    frames.iter().any(|(open, close)| inside(open, close).is_some_and(is_word))
}

/// Recognises shortened keys: `sk-...`, `sk-ant-…`, `sk-ant-a***z`.
fn is_cut(text: &str) -> bool {
    ["...", "\u{2026}", "***", "\u{2022}\u{2022}"].iter().any(|mark| text.contains(mark))
}

/// Recognises the name of a secret alone: `API_KEY`, `api-key`.
fn is_named(words: &[&str]) -> bool {
    let without = words.strip_prefix(&["sk"]).unwrap_or(words);
    matches!(without, [api, key] if api.eq_ignore_ascii_case("api") && key.eq_ignore_ascii_case("key"))
}

fn is_worded(words: &[&str]) -> bool {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    let all = || words.iter().flat_map(|word| word.chars());
    let begins = |pattern: &&str| {
        let mut letters = all();
        pattern.chars().all(|c| letters.next().is_some_and(|letter| letter.eq_ignore_ascii_case(&c)))
    };
    let replaced = is_one_of(first, &["replace", "change"])
        && words.get(1).is_some_and(|word| is_one_of(word, &["me", "this", "it"]));
    if replaced || is_written(words, &WHOLE) || TELLING.iter().any(begins) || is_one_of("placeholder", words) {
        return true;
    }
    // Words for a secret come last, because they take longest and nearly no key gets here.
    let called = || words.iter().any(|word| NOUNS.iter().any(|noun| contains(word, noun)));
    let apiece = || words.iter().any(|word| contains(word, "api"));
    let is_here = last.eq_ignore_ascii_case("here");
    let yours = words.iter().any(|word| contains(word, "your")) && {
        let named = |word: &&str| contains(word, "your") && NOUNS.iter().any(|noun| contains(word, noun));
        is_one_of("your", words) || begins(&"your") || words.iter().any(named)
    };
    // With a digit it is more likely the name that someone gave a key.
    let is_numbered = || words.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()));
    let told = words.len() > 1 && is_one_of(first, &VERBS) && (called() || is_one_of("here", words)) && !is_numbered();
    let here = words.len() > 1 && is_here || ends(last, "here") && called();
    told || (yours && (is_here || called() || apiece())) || (here && (called() || apiece())) || is_foreign(words)
}

/// As [`is_worded`] for other languages: `votre-cle-api`, `dein-api-key`, `clave_aqui`.
fn is_foreign(words: &[&str]) -> bool {
    let named = || words.iter().any(|word| is_one_of(word, &FOREIGN_NOUNS) || word.eq_ignore_ascii_case("api"));
    let called = || words.iter().any(|word| is_one_of(word, &NOUNS));
    // Words of two letters may be part of a key's name.
    let yours = |longer: bool| words.iter().any(|word| is_one_of(word, &YOURS) && (!longer || word.len() > 2));
    let here = || words.len() > 1 && words.last().is_some_and(|word| is_one_of(word, &HERES));
    (named() && (yours(false) || here())) || (called() && (yours(true) || here()))
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Returns `true` if a word contains another one, in any case. Both are short or ASCII.
fn contains(word: &str, part: &str) -> bool {
    word.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

fn ends(word: &str, end: &str) -> bool {
    let at = word.len().checked_sub(end.len());
    at.and_then(|at| word.get(at..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples() {
        for text in [
            "your_api_key_here",
            "YOUR_API_KEY",
            "YOUR-KEY",
            "yourkey",
            "your-key-here",
            "yourApiKeyHere",
            "your-anthropic-api-key",
            "your_openai_api_key",
            "your_secret",
            "sk-your-key",
            "sk-ant-your-key-here",
            "sk-ant-api03-your-key-here",
            "sk-ant-api03-YOUR_KEY",
            "<your-anthropic-key>",
            "<API_KEY>",
            "<key>",
            "<...>",
            "sk-ant-<your key>",
            "[your key]",
            "[API_KEY]",
            "{API_KEY}",
            "{{API_KEY}}",
            "{{ .Values.anthropicKey }}",
            "__API_KEY__",
            "__ANTHROPIC_API_KEY__",
            "@@KEY@@",
            "#{KEY}#",
            "changeme",
            "CHANGE_ME",
            "change-me",
            "changeMe",
            "sk-changeme",
            "change_this",
            "REPLACE_ME",
            "replace-me",
            "ReplaceMe",
            "sk-replace-me",
            "replace_with_your_key",
            "REPLACE-THIS",
            "to-be-replaced",
            "insert_your_key_here",
            "insert-key-here",
            "INSERT_API_KEY_HERE",
            "insertyourkeyhere",
            "paste-your-key",
            "PASTE_KEY_HERE",
            "put your key here",
            "enter-api-key",
            "add_your_token_here",
            "api-key-here",
            "KEY_HERE",
            "token-goes-here",
            "sk-ant-key-here",
            "sk-...",
            "sk-ant-...",
            "sk-ant-\u{2026}",
            "\u{2026}",
            "sk-ant-a...wxyz",
            "sk-ant-********",
            "sk-\u{2022}\u{2022}\u{2022}\u{2022}",
            "API_KEY",
            "api-key",
            "sk-api-key",
            "placeholder",
            "placeholder-key",
            "sk-placeholder",
            "REDACTED",
            "[REDACTED]",
            "TODO",
            "TBD",
            "undefined",
            "[object Object]",
            "change_me_in_production",
            "change-this-key",
            "SET_ME",
            "fill-me-in",
        ] {
            assert_eq!(placeholder(text), Some(Likeness::Certain), "{text}");
        }
        for text in [
            "xxx",
            "XXXXXXXX",
            "sk-xxxx",
            "sk-ant-api03-xxxxxxxxxxxx",
            "xxxx-xxxx-xxxx",
            "sk-proj-XXXX",
            "key_xxx",
            "null",
            "NULL",
            "not-set",
            "sk-null",
        ] {
            assert_eq!(placeholder(text), Some(Likeness::Probable), "{text}");
        }
    }

    #[test]
    fn samples_in_other_languages() {
        for text in [
            "votre-cle-api",
            "VOTRE_CLE_API_ICI",
            "tu_api_key",
            "tu_clave_aqui",
            "dein-api-schluessel",
            "DEIN_API_KEY",
            "deinen-key-hier",
            "Ihr-API-Key",
            "ihr_api_schl\u{fc}ssel",
            "SUA_CHAVE_AQUI",
            "sk-sua-chave-api",
            "la_tua_chiave",
            "sk-\u{4f60}\u{7684}key",
            "API\u{5bc6}\u{94a5}",
            "\u{432}\u{430}\u{448}-api-\u{43a}\u{43b}\u{44e}\u{447}",
        ] {
            assert_eq!(placeholder(text), Some(Likeness::Certain), "{text}");
        }
    }

    #[test]
    fn secrets() {
        for text in [
            "a",
            "sk-ant-a",
            "sk",
            "x",
            "xx",
            "local",
            "ollama",
            "lm-studio",
            "dummy",
            "none",
            "EMPTY",
            "test",
            "test-key",
            "not-needed",
            "no-key-required",
            "secret",
            "key",
            "token",
            "password",
            "my-key",
            "my-secret-key",
            "master_key",
            "sk-1234",
            "sk-ant-example",
            "sk-ant-api03-example",
            "sk-ant-api03-keykeykey",
            "team-blue-key-7",
            "here",
            "where-is-it",
            "add",
            "c2VjcmV0a2V5==",
            "AKIAEXAMPLE:wJalr/EXAMPLE=",
            "$ecret",
            "a_b_c",
            "yourself",
            "xxy",
            "hf_keys",
            "replacement",
            "placement",
            "put-key-1",
            "add-team-key-7",
            "su-token",
            "ta-key",
            "article-api",
            "nullable",
            "changeling",
            "change-a",
            "quick-key-ici-7",
            "keyxxx",
            "\u{e9}t\u{e9}",
        ] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
