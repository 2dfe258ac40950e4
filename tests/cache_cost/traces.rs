//! Sessions of agents, generated from a seed.

use serde_json::{Value, json};

/// One request: when it starts, in seconds, and its body without markers.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: f64,
    pub(crate) body: Value,
}

pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn text(&mut self, tokens: u64) -> String {
        let words: Vec<_> = (0..tokens).map(|_| format!("{:03x}", self.below(4096))).collect();
        words.join(" ")
    }

    fn upto(&mut self, low: u64, high: u64) -> String {
        let tokens = self.between(low, high);
        self.text(tokens)
    }
}

/// What a session is like.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) requests: u64,
    /// Blocks of tool calls in one answer; none means a chat.
    pub(crate) calls: (u64, u64),
    /// Seconds between requests.
    pub(crate) gap: (u64, u64),
    pub(crate) tools: u64,
    /// Blocks of the system prompt; 1 is written as a string.
    pub(crate) system: u64,
    /// Percent of requests before which the last block of the system prompt changes.
    pub(crate) edits: u64,
    /// Percent of requests in which an image comes or goes.
    pub(crate) images: u64,
    /// Documents pasted every eighth turn.
    pub(crate) documents: u64,
    /// Whether a reminder closes each request that the next one leaves out.
    pub(crate) reminder: bool,
}

const CHAT: Family = Family {
    name: "chat",
    requests: 24,
    calls: (0, 0),
    gap: (5, 90),
    tools: 8,
    system: 1,
    edits: 0,
    images: 0,
    documents: 0,
    reminder: false,
};

pub(crate) fn families() -> Vec<Family> {
    vec![
        CHAT,
        Family { name: "chat without tools", tools: 0, system: 2, ..CHAT },
        Family { name: "tool loop, 1 to 3 blocks", calls: (1, 3), gap: (2, 40), requests: 40, ..CHAT },
        Family { name: "tool loop, 1 to 60 blocks", calls: (1, 60), gap: (2, 40), system: 2, ..CHAT },
        Family { name: "parallel tools, 25 to 60 blocks", calls: (25, 60), gap: (2, 40), ..CHAT },
        Family { name: "30 pasted documents", documents: 30, ..CHAT },
        Family { name: "idle gaps of 1 to 50 min", gap: (60, 3000), calls: (1, 4), ..CHAT },
        Family { name: "system tail edited each time", edits: 100, system: 2, calls: (1, 3), gap: (2, 40), ..CHAT },
        Family { name: "system tail edited at times", edits: 15, system: 2, calls: (1, 3), gap: (2, 40), ..CHAT },
        Family { name: "system string edited each time", edits: 100, calls: (1, 3), gap: (2, 40), ..CHAT },
        Family { name: "system string edited at times", edits: 15, calls: (1, 3), gap: (2, 40), ..CHAT },
        Family { name: "images coming and going", images: 20, system: 2, ..CHAT },
        Family { name: "reminder at the end of each turn", reminder: true, calls: (1, 3), gap: (2, 40), ..CHAT },
    ]
}

impl Family {
    pub(crate) fn session(&self, seed: u64) -> Vec<Request> {
        let dice = &mut Dice::new(seed);
        let tools: Vec<Value> = (0..self.tools)
            .map(|index| json!({"name": format!("tool_{index}"), "description": dice.upto(80, 300), "input_schema": {"type": "object"}}))
            .collect();
        let mut system: Vec<String> = (1..self.system).map(|_| dice.upto(1500, 3000)).collect();
        system.push(if self.system == 1 { dice.upto(1500, 3000) } else { dice.upto(30, 200) });
        let mut messages = vec![json!({"role": "user", "content": dice.upto(50, 400)})];
        let mut image: Option<Value> = None;
        let mut requests = Vec::new();
        let mut at = 0.0;
        for turn in 1..=self.requests {
            if turn > 1 && dice.chance(self.edits) {
                let tail = dice.upto(30, 60);
                let kept = system.pop().unwrap_or_default();
                system.push(if self.system == 1 {
                    format!("{}{tail}", &kept[..kept.len() - 400]) + &kept[..300]
                } else {
                    tail
                });
            }
            if dice.chance(self.images) {
                image = match image {
                    Some(_) => None,
                    None => Some(json!({"type": "image", "source": {"type": "base64", "data": dice.text(300)}})),
                };
            }
            let mut sent = messages.clone();
            if let (Some(image), Some(last)) = (&image, sent.last_mut()) {
                last["content"] = json!([image, {"type": "text", "text": "see the picture"}]);
            }
            if let (true, Some(last)) = (self.reminder, sent.last_mut()) {
                let reminder = json!({"type": "text", "text": format!("reminder {turn} {}", dice.text(40))});
                match &mut last["content"] {
                    Value::Array(blocks) => blocks.push(reminder),
                    text => *text = json!([{"type": "text", "text": text.clone()}, reminder]),
                }
            }
            let mut body = json!({"model": "claude-opus-4-5", "max_tokens": 1024});
            if !tools.is_empty() {
                body["tools"] = tools.clone().into();
            }
            body["system"] = match system.as_slice() {
                [one] => one.as_str().into(),
                many => many.iter().map(|text| json!({"type": "text", "text": text})).collect(),
            };
            body["messages"] = sent.into();
            requests.push(Request { at, body });
            at += dice.between(self.gap.0, self.gap.1) as f64;
            self.answer(dice, turn, &mut messages);
        }
        requests
    }

    /// The model's answer and what the user's side adds to it.
    fn answer(&self, dice: &mut Dice, turn: u64, messages: &mut Vec<Value>) {
        if self.calls.1 > 0 && !dice.chance(10) {
            let calls = dice.between(self.calls.0, self.calls.1);
            let mut asked = vec![json!({"type": "text", "text": dice.upto(5, 60)})];
            let mut answered = Vec::new();
            for call in 0..calls {
                let id = format!("toolu_{turn}_{call}");
                asked.push(json!({"type": "tool_use", "id": id, "name": "tool_1", "input": {"q": dice.upto(5, 30)}}));
                answered.push(json!({"type": "tool_result", "tool_use_id": id, "content": dice.upto(20, 400)}));
            }
            messages.push(json!({"role": "assistant", "content": asked}));
            messages.push(json!({"role": "user", "content": answered}));
            return;
        }
        messages.push(json!({"role": "assistant", "content": dice.upto(50, 500)}));
        if self.documents > 0 && turn % 8 == 3 {
            let mut pasted: Vec<_> = (0..self.documents)
                .map(|_| json!({"type": "document", "source": {"type": "text", "data": dice.upto(200, 800)}}))
                .collect();
            pasted.push(json!({"type": "text", "text": dice.upto(10, 50)}));
            messages.push(json!({"role": "user", "content": pasted}));
        } else {
            messages.push(json!({"role": "user", "content": dice.upto(20, 200)}));
        }
    }
}
