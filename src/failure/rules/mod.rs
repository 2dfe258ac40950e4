//! What providers say and what it means, as rows of data.
//!
//! A structured code that says it all decides. Else a code of a family, or the status, gives a first reason, and the words
//! of the message may refine it along the lists of [`wording`]. In each table the first row that matches counts. Sources
//! are the providers' documentation and reported answers as of November 2026; they stand beside the rows.

mod codes;
mod statuses;
mod wording;

use super::refusal::SubscriptionRefusal;
use super::text::Text;
use super::transport::TransportError;
use crate::providers::Dialect;
use crate::reason::FailureReason;

/// Which statuses a row is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Any status, or none.
    Always,
    /// One of these.
    In(&'static [u16]),
    /// From the first to the last.
    Range(u16, u16),
}

/// A condition on what is not in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum If {
    /// The words stand in a message that is short enough to be an error; long ones are often a model's own text.
    Short,
    /// The answer has no header that tells of a limit.
    NoLimitHeaders,
    /// The whole message is exactly the pattern.
    Exactly,
    /// The message does not speak of a place in a document: `invalid token at line 1 column 9` is about JSON.
    NoPosition,
    /// The message compares one request with a limit, or does not speak of a span of time.
    OneRequest,
    /// The message does not say that a single request is too long.
    NotTooLong,
}

/// A row: every column that is not empty must match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) dialect: Dialect,
    pub(super) when: When,
    /// Alternatives for a structured code or type, in lower case, divided by `|`.
    pub(super) code: &'static str,
    /// A pattern for the message; see [`Text::has`].
    pub(super) text: &'static str,
    pub(super) conditions: &'static [If],
    /// What the row refines; anything if it is empty. For [`wording`] only.
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

/// What is known of an answer when its reason is asked for.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) dialect: Dialect,
    pub(super) status: Option<u16>,
    /// In lower case.
    pub(super) codes: &'a [String],
    /// Codes that a text tells, in lower case. They count where no other is known.
    pub(super) told: &'a [String],
    /// The message without the caller's words.
    pub(super) text: &'a Text,
    /// The innermost message as it came.
    pub(super) message: &'a str,
    /// Whether the message names the model that was asked for.
    pub(super) names_model: bool,
    pub(super) has_limit_headers: bool,
}

/// What an answer means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) reason: FailureReason,
    pub(super) refusal: Option<SubscriptionRefusal>,
    pub(super) transport: Option<TransportError>,
}

/// The longest message whose words can mean a long cooldown by themselves.
pub(super) const SHORT: usize = 512;

/// The tables of codes, the most specific first.
fn codes() -> [&'static [Rule]; 4] {
    [codes::DECISIVE, codes::NUMBERS, codes::FAMILY, codes::LAST]
}

fn wording() -> impl Iterator<Item = &'static Rule> {
    wording::ACCOUNT.iter().chain(wording::OTHER)
}

/// What the evidence says.
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
    let known = evidence.codes.iter().any(|code| is_known_code(code));
    let told = if known { evidence.codes } else { evidence.told };
    let first = |tables: &[&'static [Rule]]| {
        tables.iter().copied().flatten().find(|rule| rule.matches(evidence, told, FailureReason::Unknown))
    };
    let [decisive, numbers, family, last] = codes();
    if let Some(rule) = first(&[decisive, numbers, statuses::DECISIVE]) {
        return Some(rule);
    }
    let general = first(&[family, statuses::STATUS, last]);
    let base = general.map_or(FailureReason::Unknown, |rule| rule.reason);
    let refined = wording().find(|rule| rule.matches(evidence, told, base));
    refined.or(general)
}

#[cfg(test)]
thread_local! {
    /// The rows that decided something on this thread.
    pub(super) static DECIDED: std::cell::RefCell<std::collections::HashSet<*const Rule>> = std::cell::RefCell::default();
}

/// Every row.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    codes().into_iter().flatten().chain(statuses::DECISIVE).chain(statuses::STATUS).chain(wording())
}

/// Whether a code stands in the table, so that it can be shown: it is no secret.
pub(super) fn is_known_code(code: &str) -> bool {
    codes().into_iter().flatten().any(|rule| has_code(rule.code, code))
}

fn has_code(alternatives: &str, code: &str) -> bool {
    !alternatives.is_empty() && alternatives.split('|').any(|known| known.eq_ignore_ascii_case(code))
}

impl Rule {
    fn matches(&self, evidence: &Evidence<'_>, codes: &[String], base: FailureReason) -> bool {
        let in_time = match (self.when, evidence.status) {
            (When::Always, _) => true,
            (_, None) => false,
            (When::In(statuses), Some(status)) => statuses.contains(&status),
            (When::Range(first, last), Some(status)) => (first..=last).contains(&status),
        };
        let conditions = self.conditions.iter().all(|condition| match condition {
            If::Short => evidence.text.len <= SHORT,
            If::NoLimitHeaders => !evidence.has_limit_headers,
            If::NoPosition => !evidence.text.has("at line|at position|line 1|in json|json at"),
            If::OneRequest => {
                !evidence.text.has("per min|per day|per hour|per second")
                    || evidence.text.has("request too large*limit*requested")
            }
            If::NotTooLong => !evidence.text.has("reduce the length"),
            If::Exactly => evidence.message.trim().eq_ignore_ascii_case(self.text),
        });
        // LiteLLM and others call everything that they do not know a connection error.
        let vague = base == FailureReason::Network;
        in_time
            && conditions
            && self.dialect.covers(evidence.dialect)
            && (self.from.is_empty()
                || self.from.contains(&base)
                || (vague && self.from.contains(&FailureReason::Unknown)))
            && (self.code.is_empty() || codes.iter().any(|code| has_code(self.code, code)))
            && (self.text.is_empty() || evidence.text.has(self.text))
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
        for table in codes() {
            let plain = table.iter().filter(|rule| rule.text.is_empty() && matches!(rule.when, When::Always));
            let mut seen = std::collections::HashSet::new();
            for (rule, code) in plain.flat_map(|rule| rule.code.split('|').map(move |code| (rule, code))) {
                assert!(seen.insert((rule.dialect as u8, code)), "{code} stands twice");
            }
        }
    }
}
