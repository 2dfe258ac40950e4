//! The rules of classification, as rows of data.
//!
//! A decisive code settles the reason. Otherwise a code of a family, or the status, yields a first reason, and the
//! message may refine it according to the lists of [`wording`]. In each table the first matching row counts. The
//! sources are the providers' documentation and reported answers as of November 2026; they are given beside the rows.

use std::collections::HashSet;
use std::sync::LazyLock;

mod codes;
mod statuses;
mod wording;

use super::pattern::Pattern;
use super::refusal::SubscriptionRefusal;
use super::text::Text;
use super::transport::TransportError;
use crate::providers::Dialect;
use crate::reason::FailureReason;

/// The statuses to which a row applies.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Any status, or none.
    Always,
    /// One of these.
    In(&'static [u16]),
    /// From the first to the last.
    Range(u16, u16),
}

/// A condition on something other than the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum If {
    /// The message is short enough to be an error; long ones are often a model's own text.
    Short,
    /// The answer has no header about a limit.
    NoLimitHeaders,
    /// The whole message is exactly the pattern.
    Exactly,
    /// The message does not mention a position in a document: `invalid token at line 1 column 9` is about JSON.
    NoPosition,
    /// The message compares one request with a limit, or mentions no time span.
    OneRequest,
    /// The message does not claim that a single request is too long.
    NotTooLong,
}

/// A row: every column that is not empty must match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) dialect: Dialect,
    pub(super) when: When,
    /// Alternatives for a structured code or type, in lower case, separated by `|`.
    pub(super) code: &'static str,
    /// A pattern for the message; see [`Pattern`].
    pub(super) text: &'static str,
    pub(super) conditions: &'static [If],
    /// The reasons that the row refines; if empty, all but the verdicts on the request. For [`wording`] only.
    pub(super) from: &'static [FailureReason],
    pub(super) reason: FailureReason,
    pub(super) refusal: Option<SubscriptionRefusal>,
    pub(super) transport: Option<TransportError>,
}

const BLANK: Rule = Rule {
    dialect: Dialect::Common,
    when: When::Always,
    code: "",
    text: "",
    conditions: &[],
    from: &[],
    reason: FailureReason::Unknown,
    refusal: None,
    transport: None,
};

const fn code(code: &'static str, reason: FailureReason) -> Rule {
    Rule { code, reason, ..BLANK }
}

const fn text(text: &'static str, reason: FailureReason) -> Rule {
    Rule { text, reason, ..BLANK }
}

const fn status(when: When, reason: FailureReason) -> Rule {
    Rule { when, reason, ..BLANK }
}

impl Rule {
    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    const fn on(self, conditions: &'static [If]) -> Self {
        Self { conditions, ..self }
    }

    const fn and_text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    const fn and_code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    const fn from(self, from: &'static [FailureReason]) -> Self {
        Self { from, ..self }
    }

    const fn on_the_way(self, error: TransportError) -> Self {
        Self { transport: Some(error), ..self }
    }

    const fn refuses(self, refusal: SubscriptionRefusal) -> Self {
        Self { refusal: Some(refusal), ..self }
    }
}

/// The evidence about an answer.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) dialect: Dialect,
    pub(super) status: Option<u16>,
    /// In lower case.
    pub(super) codes: &'a [String],
    /// Codes in a text, in lower case. They count if there is no other code.
    pub(super) told: &'a [String],
    /// The message without the caller's words.
    pub(super) text: &'a Text,
    /// The innermost message, unchanged.
    pub(super) message: &'a str,
    /// `true` if the message names the requested model.
    pub(super) names_model: bool,
    pub(super) has_limit_headers: bool,
}

/// The meaning of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) reason: FailureReason,
    pub(super) refusal: Option<SubscriptionRefusal>,
    pub(super) transport: Option<TransportError>,
}

/// The maximum length of a message whose words alone can mean a long cooldown.
pub(super) const SHORT: usize = 512;

/// A rule with its columns parsed.
struct Row {
    rule: &'static Rule,
    codes: Vec<&'static str>,
    pattern: Pattern,
}

/// The tables in the order of evaluation.
struct Tables {
    /// Tables whose verdict is final.
    decisive: Vec<Row>,
    /// Tables whose verdict the wording may refine.
    general: Vec<Row>,
    wording: Vec<Row>,
    /// Every code of every row.
    known: HashSet<&'static str>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let row = |rule: &'static Rule| Row {
        rule,
        codes: rule.code.split('|').filter(|code| !code.is_empty()).collect(),
        pattern: Pattern::new(rule.text),
    };
    let decisive = [codes::DECISIVE, codes::NUMBERS, statuses::DECISIVE].into_iter().flatten().map(row).collect();
    let general = [codes::FAMILY, statuses::STATUS, codes::LAST].into_iter().flatten().map(row).collect();
    let wording = [wording::SENTENCES, wording::ACCOUNT, wording::OTHER].into_iter().flatten().map(row).collect();
    let mut tables = Tables { decisive, general, wording, known: HashSet::new() };
    tables.known = tables.decisive.iter().chain(&tables.general).flat_map(|row| &row.codes).copied().collect();
    tables
});

/// Returns the verdict on the evidence.
pub(super) fn judge(evidence: &Evidence<'_>) -> Verdict {
    let rule = find(evidence);
    #[cfg(test)]
    DECIDED.with_borrow_mut(|decided| decided.extend(rule.map(std::ptr::from_ref)));
    let reason = rule.map_or(FailureReason::Unknown, |rule| rule.reason);
    let about_model = reason == FailureReason::NotFound && evidence.names_model;
    Verdict {
        reason: if about_model { FailureReason::ModelNotFound } else { reason },
        refusal: rule.and_then(|rule| rule.refusal),
        transport: rule.and_then(|rule| rule.transport),
    }
}

fn find(evidence: &Evidence<'_>) -> Option<&'static Rule> {
    let tables = &*TABLES;
    let known = |codes: &[String]| -> Vec<&'static str> {
        codes.iter().filter_map(|code| tables.known.get(code.as_str()).copied()).collect()
    };
    let mut codes = known(evidence.codes);
    if codes.is_empty() {
        codes = known(evidence.told);
    }
    let first =
        |rows: &'static [Row], base| rows.iter().find(|row| row.matches(evidence, &codes, base)).map(|row| row.rule);
    if let Some(rule) = first(&tables.decisive, FailureReason::Unknown) {
        return Some(rule);
    }
    let general = first(&tables.general, FailureReason::Unknown);
    let base = general.map_or(FailureReason::Unknown, |rule| rule.reason);
    first(&tables.wording, base).or(general)
}

#[cfg(test)]
thread_local! {
    /// The rows that decided something on this thread.
    pub(super) static DECIDED: std::cell::RefCell<HashSet<*const Rule>> = std::cell::RefCell::default();
}

/// Every row.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    let tables = [&TABLES.decisive, &TABLES.general, &TABLES.wording];
    tables.into_iter().flatten().map(|row| row.rule)
}

/// Returns `true` if a code blames the request, so that the message repeats parts of it.
pub(super) fn is_about_request(code: &str) -> bool {
    let rows = TABLES.decisive.iter().chain(&TABLES.general);
    rows.filter(|row| row.rule.reason == FailureReason::Format).any(|row| row.codes.contains(&code))
}

/// Returns `true` if a code is in the table, and thus can be shown: it is no secret.
pub(super) fn is_known_code(code: &str) -> bool {
    TABLES.known.contains(code.to_ascii_lowercase().as_str())
}

impl Row {
    fn matches(&self, evidence: &Evidence<'_>, codes: &[&'static str], base: FailureReason) -> bool {
        let Self { rule, codes: own, pattern } = self;
        let in_time = match (rule.when, evidence.status) {
            (When::Always, _) => true,
            (_, None) => false,
            (When::In(statuses), Some(status)) => statuses.contains(&status),
            (When::Range(first, last), Some(status)) => (first..=last).contains(&status),
        };
        // Wording is checked last, because it takes longest.
        let cheap = |condition: &If| match condition {
            If::Short => evidence.text.len <= SHORT,
            If::NoLimitHeaders => !evidence.has_limit_headers,
            If::Exactly => evidence.message.trim().eq_ignore_ascii_case(rule.text),
            If::NoPosition | If::OneRequest | If::NotTooLong => true,
        };
        let says = |pattern: &'static str| Pattern::new(pattern).matches(evidence.text);
        let words = |condition: &If| match condition {
            If::NoPosition => !says("at line|at position|line 1|in json|json at"),
            If::OneRequest => !says("per min|per day|per hour|per second") || says("request too large*limit*requested"),
            If::NotTooLong => !says("reduce the length"),
            If::Short | If::NoLimitHeaders | If::Exactly => true,
        };
        // LiteLLM and others call every unknown error a connection error.
        let vague = base == FailureReason::Network;
        let about_request = matches!(base, FailureReason::Format | FailureReason::ContextOverflow);
        in_time
            && rule.conditions.iter().all(cheap)
            && rule.dialect.covers(evidence.dialect)
            && ((rule.from.is_empty() && !about_request)
                || rule.from.contains(&base)
                || (vague && rule.from.contains(&FailureReason::Unknown)))
            && (own.is_empty() || own.iter().any(|code| codes.contains(code)))
            && (rule.text.is_empty() || pattern.matches(evidence.text))
            && rule.conditions.iter().all(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_well_formed() {
        for rule in all() {
            for part in rule.text.split(['|', '&', '*']).filter(|_| !rule.text.is_empty()) {
                let part = part.trim_start_matches('^').trim_end_matches('$');
                assert!(part.chars().count() > 1 && part.trim() == part, "{part:?} in {rule:?}");
                let text = Text::new(part);
                assert_eq!(text.as_str(), part, "a pattern is written in the text's normal form: {rule:?}");
            }
            for code in rule.code.split('|') {
                assert_eq!(code.trim(), code.to_lowercase(), "{rule:?}");
            }
            let empty = rule.code.is_empty() && rule.text.is_empty();
            assert!(!empty || !matches!(rule.when, When::Always), "a row that always matches: {rule:?}");
        }
    }

    #[test]
    fn a_long_rest_needs_a_code_or_words() {
        for rule in all() {
            let long = matches!(rule.reason, FailureReason::Billing | FailureReason::AuthPermanent);
            let only_402 = matches!(rule.when, When::In([402]));
            assert!(!long || !rule.code.is_empty() || !rule.text.is_empty() || only_402, "{rule:?}");
        }
    }

    #[test]
    fn a_code_stands_once_in_a_table_unless_more_is_asked_for() {
        for table in [codes::DECISIVE, codes::NUMBERS, codes::FAMILY, codes::LAST] {
            let plain = table.iter().filter(|rule| rule.text.is_empty() && matches!(rule.when, When::Always));
            let mut seen = HashSet::new();
            for (rule, code) in plain.flat_map(|rule| rule.code.split('|').map(move |code| (rule, code))) {
                assert!(seen.insert((rule.dialect as u8, code)), "{code} stands twice");
            }
        }
    }
}
