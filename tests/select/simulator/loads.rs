//! Kinds of load.

use super::server::{Allowance, Dialect};

/// What agents do with the keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) name: &'static str,
    pub(super) dialect: Dialect,
    /// What a key may use.
    pub(super) allowance: Allowance,
    /// By how much every second key may use more.
    pub(super) unequal: f64,
    /// How many agents there are for each key.
    pub(super) agents: usize,
    /// What a session begins with, what each turn adds, and what an answer has at most, in tokens.
    pub(super) prompt: f64,
    pub(super) growth: f64,
    pub(super) output: f64,
    /// How long an agent works between an answer and its next request, in milliseconds.
    pub(super) think: i64,
    /// All agents go on at the next multiple of this, in milliseconds; zero for each on its own.
    pub(super) burst: i64,
    /// After how many turns an agent begins a new session.
    pub(super) turns: usize,
    /// How far apart agents begin, in milliseconds.
    pub(super) ramp: i64,
    /// Whether calls belong to sessions.
    pub(super) has_sessions: bool,
    /// What the caller says about the tokens of a request.
    pub(super) told: Told,
    /// How much of a key somebody else uses every ten seconds.
    pub(super) drained: f64,
    /// How long it goes on, in milliseconds.
    pub(super) length: i64,
}

/// What a caller says about the tokens of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    Nothing,
    /// So many times the tokens of the request and of the answer.
    Times(f64, f64),
}

impl Told {
    pub(super) const EXACTLY: Self = Self::Times(1.0, 1.0);
}

const BASE: Load = Load {
    name: "steady",
    dialect: Dialect::Anthropic,
    allowance: Allowance { requests: 25.0, input: 20_000.0, output: 8_000.0 },
    unequal: 1.0,
    agents: 3,
    prompt: 4_000.0,
    growth: 500.0,
    output: 600.0,
    think: 6_000,
    burst: 0,
    turns: 12,
    ramp: 1_400,
    has_sessions: true,
    told: Told::EXACTLY,
    drained: 0.0,
    length: 300_000,
};

const OPENAI: Allowance = Allowance { requests: 250.0, input: 100_000.0, output: 0.0 };

#[rustfmt::skip]
pub(super) const LOADS: &[Load] = &[
    BASE,
    Load { name: "less than there is", agents: 2, ..BASE },
    Load { name: "more than there is", agents: 7, ..BASE },
    Load { name: "bursts every minute", agents: 5, burst: 60_000, ..BASE },
    Load { name: "bursts every ten seconds", agents: 6, burst: 10_000, ..BASE },
    Load { name: "many small requests", agents: 8, prompt: 300.0, growth: 20.0, output: 60.0, think: 2_000, ..BASE },
    Load { name: "long prompts", agents: 2, allowance: Allowance { requests: 25.0, input: 100_000.0, output: 20_000.0 }, prompt: 60_000.0, growth: 2_000.0, turns: 20, ..BASE },
    Load { name: "long answers", agents: 3, prompt: 1_500.0, output: 3_000.0, ..BASE },
    Load { name: "unequal keys", agents: 5, unequal: 6.0, ..BASE },
    Load { name: "tokens not told", agents: 6, told: Told::Nothing, ..BASE },
    Load { name: "OpenAI", agents: 5, dialect: Dialect::OpenAi, allowance: OPENAI, ..BASE },
    Load { name: "OpenAI, tokens not told", agents: 6, dialect: Dialect::OpenAi, allowance: OPENAI, told: Told::Nothing, ..BASE },
    Load { name: "Groq", agents: 6, dialect: Dialect::Groq, allowance: Allowance { requests: 14_400.0, input: 60_000.0, output: 0.0 }, ..BASE },
    Load { name: "windows of a minute", agents: 6, dialect: Dialect::Azure, allowance: Allowance { requests: 150.0, input: 75_000.0, output: 0.0 }, ..BASE },
    Load { name: "plans", agents: 3, dialect: Dialect::Plan, allowance: Allowance { requests: 1e9, input: 2_000_000.0, output: 2_000_000.0 }, think: 90_000, length: 22_000_000, ..BASE },
    Load { name: "no sessions", agents: 5, has_sessions: false, turns: 1, ..BASE },
    Load { name: "somebody else uses the keys", agents: 5, drained: 0.05, ..BASE },
    Load { name: "agents that begin one after another", agents: 6, ramp: 10_000, ..BASE },
];
