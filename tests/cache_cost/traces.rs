//! Generates sessions of agents from a seed.

use serde_json::{Value, json};

use crate::families::{Aside, Clears, Family, Images, Thinking, Trim};
use crate::simulator::clear_tool_uses;

/// One request: when it starts, in seconds, and its body without markers.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: f64,
    pub(crate) body: Value,
}

struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..20).for_each(|_| _ = dice.below(2));
        dice
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Prose: a capital letter stands for two tokens.
    fn text(&mut self, tokens: u64) -> String {
        let letter = |_| char::from(b'A' + u8::try_from(self.below(26)).expect("a letter"));
        (0..tokens.div_ceil(2)).map(letter).collect()
    }

    fn upto(&mut self, low: u64, high: u64) -> String {
        let tokens = self.between(low, high);
        self.text(tokens)
    }

    fn image(&mut self) -> Value {
        json!({"type": "image", "source": {"type": "base64", "data": self.text(300)}})
    }
}

/// A session as it goes on.
struct Session<'f> {
    family: &'f Family,
    dice: Dice,
    tools: Vec<Value>,
    system: Vec<String>,
    messages: Vec<Value>,
    /// An image that is shown with the last message.
    shown: Option<Value>,
}

impl Family {
    pub(crate) fn session(&self, seed: u64) -> Vec<Request> {
        let mut dice = Dice::new(seed);
        let tools = (0..self.tools).map(|index| tool(index, &mut dice)).collect();
        let mut system: Vec<String> = (1..self.system).map(|_| dice.upto(1500, 3000)).collect();
        system.push(if self.system == 1 { dice.upto(1500, 3000) } else { dice.upto(30, 200) });
        let messages = vec![json!({"role": "user", "content": dice.upto(50, 400)})];
        let mut session = Session { family: self, dice, tools, system, messages, shown: None };
        let mut requests = Vec::new();
        let mut at = 0.0;
        for turn in 1..=self.requests {
            if turn > 1 {
                session.edit();
            }
            session.trim();
            requests.push(Request { at, body: session.body(turn) });
            let pauses = session.dice.chance(self.pauses);
            let (low, high) = if pauses { (600, 3000) } else { self.gap };
            at += session.dice.between(low, high) as f64;
            session.answer(turn);
        }
        requests
    }
}

fn tool(index: u64, dice: &mut Dice) -> Value {
    json!({"name": format!("tool_{index}"), "description": dice.upto(80, 300), "input_schema": {"type": "object"}})
}

impl Session<'_> {
    fn edit(&mut self) {
        if self.dice.chance(self.family.edits) {
            let tail = self.dice.upto(30, 60);
            let kept = self.system.pop().unwrap_or_default();
            self.system.push(match self.family.system {
                // A line in the middle of the prompt.
                1 => format!("{}{tail}{}", &kept[..kept.len() - 150], &kept[kept.len() - 100..]),
                _ => tail,
            });
        }
        if self.dice.chance(self.family.tool_edits) {
            let last = self.family.tools - 1;
            self.tools.pop();
            self.tools.push(tool(last, &mut self.dice));
        }
    }

    /// Shortens the history for good.
    fn trim(&mut self) {
        let messages = &mut self.messages;
        match self.family.trim {
            Trim::Halve(limit) if messages.len() > limit => {
                let from = plain_user(messages, messages.len() / 2).unwrap_or(0);
                messages.drain(..from);
            }
            Trim::Summarise(limit) if messages.len() > limit => {
                // The user's last words stay, with an answer before them; in a run of tool calls only the last one does.
                let last = messages.split_off(messages.len() - 2);
                let summary = format!("summary {}", self.dice.text(300));
                *messages = vec![json!({"role": "user", "content": summary})];
                messages.extend(last);
            }
            Trim::Compact(limit) => {
                let is_compacted = |message: &Value| message["content"][0]["type"] == "compaction";
                let since = messages.iter().rposition(is_compacted).unwrap_or(0);
                if messages.len() - since > limit {
                    let summary = json!({"type": "compaction", "content": self.dice.text(300)});
                    let answer = messages.len() - 2;
                    as_list(&mut messages[answer]).insert(0, summary);
                }
            }
            Trim::CutOne(limit) if messages.len() == limit => {
                let is_result = |message: &&mut Value| message["content"][0]["type"] == "tool_result";
                let cut = messages.iter_mut().skip(limit / 2).find(is_result).expect("a result");
                cut["content"][0]["content"] = "cut".into();
            }
            _ => {}
        }
    }

    /// The messages of this request: what a window leaves of the history.
    fn window(&self) -> Vec<Value> {
        let all = &self.messages;
        match self.family.trim {
            Trim::Slide(limit) if all.len() > limit => {
                let from = plain_user(all, all.len() - limit).unwrap_or(0);
                all[from..].to_vec()
            }
            Trim::KeepFirst(limit) if all.len() > limit => {
                // The answers stand at odd places.
                let from = (all.len() - limit) | 1;
                all[..1].iter().chain(&all[from..]).cloned().collect()
            }
            _ => all.clone(),
        }
    }

    fn body(&mut self, turn: u64) -> Value {
        let mut sent = self.window();
        self.show_images(&mut sent);
        strip_thinking(&mut sent, self.family.thinking);
        let (place, name) = match self.family.aside {
            Aside::None => (None, ""),
            Aside::Reminder => (sent.last_mut(), "reminder"),
            Aside::InFirst => (sent.first_mut(), "state"),
        };
        if let Some(message) = place {
            let text = format!("{name} {turn} {}", self.dice.text(40));
            as_list(message).push(json!({"type": "text", "text": text}));
        }
        let mut body = json!({"model": "claude-opus-4-5", "max_tokens": 1024});
        if !self.tools.is_empty() {
            body["tools"] = self.tools.clone().into();
        }
        body["system"] = match self.system.as_slice() {
            [one] => one.as_str().into(),
            many => many.iter().map(|text| json!({"type": "text", "text": text})).collect(),
        };
        body["messages"] = sent.into();
        if let Some(Clears { trigger, keep, inputs, by_api }) = self.family.clears {
            body["context_management"] = json!({"edits": [{
                "type": "clear_tool_uses_20250919",
                "trigger": trigger.map(|uses| json!({"type": "tool_uses", "value": uses})),
                "keep": {"type": "tool_uses", "value": keep},
                "clear_tool_inputs": inputs,
            }]});
            if !by_api {
                clear_tool_uses(&mut body);
                body.as_object_mut().expect("an object").remove("context_management");
            }
        }
        body
    }

    fn show_images(&mut self, sent: &mut [Value]) {
        match self.family.images {
            Images::Moving(percent) => {
                if self.dice.chance(percent) {
                    self.shown = if self.shown.is_some() { None } else { Some(self.dice.image()) };
                }
                if let (Some(image), Some(last)) = (&self.shown, sent.last_mut()) {
                    last["content"] = json!([image, {"type": "text", "text": "see the picture"}]);
                }
            }
            Images::Pruned(keep) => {
                let holders: Vec<usize> =
                    (0..sent.len()).filter(|index| image_in(&mut sent[*index]).is_some()).collect();
                for index in holders.iter().rev().skip(keep) {
                    if let Some(image) = image_in(&mut sent[*index]) {
                        *image = json!({"type": "text", "text": "[image removed]"});
                    }
                }
            }
            Images::None => {}
        }
    }

    /// The model's answer and what the user's side adds to it.
    fn answer(&mut self, turn: u64) {
        let Self { family, dice, messages, .. } = self;
        if family.brief_end && turn + 1 == family.requests {
            messages.push(json!({"role": "assistant", "content": "ok"}));
            messages.push(json!({"role": "user", "content": "bye"}));
            return;
        }
        let mut asked = Vec::new();
        let thinks = family.thinking != Thinking::None;
        if thinks {
            asked.push(json!({"type": "thinking", "thinking": dice.upto(50, 400), "signature": "s"}));
        }
        if family.calls.1 > 0 && !dice.chance(10) {
            let calls = dice.between(family.calls.0, family.calls.1);
            asked.push(json!({"type": "text", "text": dice.upto(5, 60)}));
            let mut answered = Vec::new();
            for call in 0..calls {
                let id = format!("toolu_{turn}_{call}");
                asked.push(json!({"type": "tool_use", "id": id, "name": "tool_1", "input": {"q": dice.upto(5, 30)}}));
                if family.by_code > 0 && dice.chance(family.by_code) {
                    let call = asked.last_mut().expect("the call");
                    call["caller"] = json!({"type": "code_execution_20250825", "tool_id": format!("srvtoolu_{turn}")});
                }
                let content = match family.images {
                    Images::Pruned(_) if call == 0 => json!([{"type": "text", "text": dice.upto(5, 20)}, dice.image()]),
                    _ => dice.upto(20, 400).into(),
                };
                answered.push(json!({"type": "tool_result", "tool_use_id": id, "content": content}));
            }
            messages.push(json!({"role": "assistant", "content": asked}));
            messages.push(json!({"role": "user", "content": answered}));
            return;
        }
        let answer = dice.upto(50, 500);
        messages.push(if thinks {
            asked.push(json!({"type": "text", "text": answer}));
            json!({"role": "assistant", "content": asked})
        } else {
            json!({"role": "assistant", "content": answer})
        });
        if family.documents > 0 && turn % 8 == 3 {
            let mut pasted: Vec<_> = (0..family.documents)
                .map(|_| json!({"type": "document", "source": {"type": "text", "data": dice.upto(200, 800)}}))
                .collect();
            pasted.push(json!({"type": "text", "text": dice.upto(10, 50)}));
            messages.push(json!({"role": "user", "content": pasted}));
        } else if matches!(family.images, Images::Pruned(_)) && dice.chance(50) {
            let text = dice.upto(20, 200);
            messages.push(json!({"role": "user", "content": [dice.image(), {"type": "text", "text": text}]}));
        } else {
            messages.push(json!({"role": "user", "content": dice.upto(20, 200)}));
        }
    }
}

/// The last message of the user that does not answer tool calls, at or before an index.
fn plain_user(messages: &[Value], at: usize) -> Option<usize> {
    let plain = |index: &usize| {
        let message = &messages[*index];
        message["role"] == "user" && message["content"][0]["type"] != "tool_result"
    };
    (0..=at).rev().find(plain)
}

fn as_list(message: &mut Value) -> &mut Vec<Value> {
    let content = &mut message["content"];
    if let Value::String(text) = content {
        *content = json!([{"type": "text", "text": text.as_str()}]);
    }
    content.as_array_mut().expect("a list")
}

/// The first image of a message, in a tool result or not.
fn image_in(message: &mut Value) -> Option<&mut Value> {
    let is_image = |block: &Value| block["type"] == "image";
    message["content"].as_array_mut()?.iter_mut().find_map(|block| {
        if is_image(block) {
            Some(block)
        } else {
            block.get_mut("content")?.as_array_mut()?.iter_mut().find(|part| is_image(part))
        }
    })
}

/// Leaves out thinking that is no longer needed, as clients do.
fn strip_thinking(messages: &mut [Value], thinking: Thinking) {
    let upto = match thinking {
        Thinking::None => 0,
        Thinking::OfThisTurn => plain_user(messages, messages.len() - 1).unwrap_or(0),
        Thinking::OfLastAnswer => messages.len().saturating_sub(2),
    };
    for message in &mut messages[..upto] {
        if let Some(blocks) = message["content"].as_array_mut() {
            blocks.retain(|block| block["type"] != "thinking");
        }
    }
}
