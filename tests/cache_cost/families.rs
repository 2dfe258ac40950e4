//! The families of simulated sessions.

/// What a session is like.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) requests: u64,
    /// Blocks of tool calls in one answer; none means a chat.
    pub(crate) calls: (u64, u64),
    /// Percent of these calls that code execution makes, which may carry no marker, nor their results.
    pub(crate) by_code: u64,
    /// Seconds between requests.
    pub(crate) gap: (u64, u64),
    /// Percent of gaps that are 10 to 50 minutes instead.
    pub(crate) pauses: u64,
    pub(crate) tools: u64,
    /// Blocks of the system prompt; 1 is written as a string.
    pub(crate) system: u64,
    /// Percent of requests before which the last block of the system prompt changes.
    pub(crate) edits: u64,
    /// Percent of requests before which the last tool changes.
    pub(crate) tool_edits: u64,
    pub(crate) images: Images,
    /// Whether an image more or less loses all messages, as the documentation has it.
    pub(crate) images_lose: bool,
    /// Documents pasted every eighth turn.
    pub(crate) documents: u64,
    pub(crate) aside: Aside,
    pub(crate) thinking: Thinking,
    pub(crate) trim: Trim,
    pub(crate) clears: Option<Clears>,
    /// Whether the last turn adds next to nothing. A search knows that nobody reads what the last request writes.
    pub(crate) brief_end: bool,
}

/// What becomes of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Images {
    None,
    /// An image that is shown in place of the last message, whichever that is; in so many percent of requests it comes
    /// or goes.
    Moving(u64),
    /// Tool results and messages have images, of which the newest so many are kept.
    Pruned(usize),
}

/// Text that is not part of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aside {
    None,
    /// A reminder closes each request, and the next one leaves it out.
    Reminder,
    /// The first message ends in a part that changes with each request.
    InFirst,
}

/// What becomes of the thinking in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// There is none.
    None,
    /// It is left out once the user speaks again.
    OfThisTurn,
    /// It is left out of all answers but the last.
    OfLastAnswer,
}

/// What is done about a history of more messages than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trim {
    None,
    /// The oldest are left out of each request.
    Slide(usize),
    /// The same, but the first message stays.
    KeepFirst(usize),
    /// The older half is dropped.
    Halve(usize),
    /// All but the last turn becomes a summary.
    Summarise(usize),
    /// The API makes a summary of them, which the answer begins with, and reads nothing before it any more.
    Compact(usize),
    /// Once there are so many, one result in their middle is cut short.
    CutOne(usize),
}

/// How the results of tool uses are replaced by a few words, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clears {
    /// Nothing is cleared up to so many tool uses. Without it the trigger is a number of tokens, and the API clears in
    /// every request.
    pub(crate) trigger: Option<usize>,
    /// The number of tool uses that are kept.
    pub(crate) keep: usize,
    /// Whether the input of the call is cleared too.
    pub(crate) inputs: bool,
    /// Whether the API does it, to whom all of the history is sent.
    pub(crate) by_api: bool,
}

const CHAT: Family = Family {
    name: "chat",
    requests: 24,
    calls: (0, 0),
    by_code: 0,
    gap: (5, 90),
    pauses: 0,
    tools: 8,
    system: 1,
    edits: 0,
    tool_edits: 0,
    images: Images::None,
    images_lose: true,
    documents: 0,
    aside: Aside::None,
    thinking: Thinking::None,
    trim: Trim::None,
    clears: None,
    brief_end: false,
};

const LOOP: Family = Family { calls: (1, 3), gap: (2, 40), ..CHAT };

/// Those whose names end in a star take an image for a block like any other; what the documentation says is in the ones
/// without.
pub(crate) fn families() -> Vec<Family> {
    let shown = Family { images: Images::Moving(20), system: 2, ..CHAT };
    let two_kept = Family { images: Images::Pruned(2), ..LOOP };
    let clears = Some(Clears { trigger: Some(8), keep: 3, inputs: false, by_api: true });
    let clears_inputs = Some(Clears { trigger: Some(20), keep: 6, inputs: true, by_api: true });
    vec![
        CHAT,
        Family { name: "chat without tools", tools: 0, system: 2, ..CHAT },
        Family { name: "tool loop, 1 to 3 blocks", requests: 40, ..LOOP },
        Family { name: "tool loop, 1 to 60 blocks", calls: (1, 60), system: 2, ..LOOP },
        Family { name: "parallel tools, 25 to 60 blocks", calls: (25, 60), ..LOOP },
        Family { name: "30 pasted documents", documents: 30, ..CHAT },
        Family { name: "idle gaps of 1 to 50 min", gap: (60, 3000), calls: (1, 4), ..CHAT },
        Family { name: "idle gaps of 1 to 10 min", gap: (60, 600), calls: (1, 4), ..CHAT },
        Family { name: "a pause now and then", pauses: 4, ..LOOP },
        Family { name: "system tail edited each time", edits: 100, system: 2, ..LOOP },
        Family { name: "system tail edited half the time", edits: 50, system: 2, ..LOOP },
        Family { name: "system tail edited at times", edits: 15, system: 2, ..LOOP },
        Family { name: "system string edited each time", edits: 100, ..LOOP },
        Family { name: "system string edited at times", edits: 15, ..LOOP },
        Family { name: "last tool edited at times", tool_edits: 15, ..LOOP },
        Family { name: "image shown at times", ..shown.clone() },
        Family { name: "image shown at times *", images_lose: false, ..shown },
        Family { name: "two newest images kept", ..two_kept.clone() },
        Family { name: "two newest images kept *", images_lose: false, ..two_kept },
        Family { name: "newest image kept *", images: Images::Pruned(1), images_lose: false, ..LOOP },
        Family { name: "chat, two newest images kept *", images: Images::Pruned(2), images_lose: false, ..CHAT },
        Family { name: "reminder at the end of each turn", aside: Aside::Reminder, ..LOOP },
        Family { name: "first message edited each time", aside: Aside::InFirst, ..LOOP },
        Family { name: "thinking of earlier turns dropped", calls: (1, 6), thinking: Thinking::OfThisTurn, ..LOOP },
        Family { name: "thinking of last answer kept", calls: (1, 6), thinking: Thinking::OfLastAnswer, ..LOOP },
        Family { name: "last 12 messages, chat", trim: Trim::Slide(12), ..CHAT },
        Family { name: "last 12 messages, tools", trim: Trim::Slide(12), ..LOOP },
        Family { name: "first and last 12 messages", trim: Trim::KeepFirst(12), ..LOOP },
        Family { name: "older half dropped at 20", trim: Trim::Halve(20), requests: 40, ..LOOP },
        Family { name: "summarised at 20", trim: Trim::Summarise(20), requests: 40, ..LOOP },
        Family { name: "compacted by the API at 20", trim: Trim::Compact(20), requests: 40, ..LOOP },
        Family { name: "calls by code execution", by_code: 100, requests: 40, ..LOOP },
        Family { name: "some calls by code execution", by_code: 50, calls: (1, 12), ..LOOP },
        Family { name: "calls by code, one result cut", by_code: 100, trim: Trim::CutOne(15), ..LOOP },
        Family { name: "results cleared by the API", clears, ..LOOP },
        Family { name: "calls cleared by the API", clears: clears_inputs, calls: (1, 12), ..LOOP },
    ]
}

impl Family {
    /// Whether the system prompt has a part that changes, in a block of its own.
    pub(crate) fn has_tail(&self) -> bool {
        self.edits > 0 && self.system > 1
    }

    /// Whether each request has all of the one before.
    pub(crate) fn only_grows(&self) -> bool {
        let edits = self.edits + self.tool_edits > 0 || self.images != Images::None || self.thinking != Thinking::None;
        !edits && self.aside == Aside::None && matches!(self.trim, Trim::None) && self.clears.is_none()
    }
}
