//! Random request bodies as text, with oddities that a tree of values would lose.

/// Choices, read from random bytes so that failures shrink.
pub(crate) struct Tape<'a> {
    bytes: &'a [u8],
    pos: usize,
    /// Deep lists of blocks end here.
    depth: u32,
}

impl<'a> Tape<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0, depth: 0 }
    }

    fn pick(&mut self, choices: usize) -> usize {
        let byte = self.bytes.get(self.pos).copied().unwrap_or_default();
        self.pos += 1;
        usize::from(byte) % choices
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.pick(chances) == chances - 1
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.pick(texts.len())]
    }

    fn gap(&mut self) -> &'static str {
        self.of(&["", "", "", " ", "\n  ", "\t\r\n "])
    }

    fn junk(&mut self) -> &'static str {
        self.of(&[
            "null",
            "true",
            "123456789012345678901234567890",
            "-0.10e+5",
            r#""\u00e9\ud83d\ude00""#,
            "[ ]",
            r#"[[],{"a":[1,{"cache_control":{"type":"ephemeral"}}]}]"#,
            r#"{"cache_control":{"type":"nonsense"},"type":"thinking"}"#,
            "\"é 😀 \u{7f}\"",
        ])
    }

    fn text(&mut self) -> &'static str {
        self.of(&[
            r#""hello""#,
            r#""""#,
            r#"" \n\t""#,
            r#""caf\u00e9 \ud83d\ude00 \"quoted\" \\ \/""#,
            "\"größer 快速 😀\"",
            r#"",\"cache_control\":{\"type\":\"ephemeral\"}""#,
            r#""a text that is a good deal longer than one block of the scanner, so that its loops are all used; and then some""#,
        ])
    }

    /// An object of these members in some order, with odd spelling, spacing, repetition and additions.
    fn object(&mut self, mut members: Vec<(&str, String)>) -> String {
        let turn = if members.is_empty() { 0 } else { self.pick(members.len()) };
        members.rotate_left(turn);
        let mut parts = Vec::new();
        for (key, value) in members {
            if self.one_in(40) {
                parts.push(format!("\"{key}\":{}", self.junk()));
            }
            let name = match (self.one_in(12), key.split_at(1)) {
                (true, (first, rest)) => format!("\\u{:04x}{rest}", u32::from(first.as_bytes()[0])),
                (false, _) => key.to_owned(),
            };
            parts.push(format!("{}\"{name}\"{}:{}{value}{}", self.gap(), self.gap(), self.gap(), self.gap()));
        }
        if self.one_in(8) {
            parts.push(format!("\"extra\":{}", self.junk()));
        }
        format!("{{{}{}}}", self.gap(), parts.join(","))
    }

    fn array(&mut self, items: &[String]) -> String {
        let items: Vec<_> = items.iter().map(|item| format!("{}{item}{}", self.gap(), self.gap())).collect();
        format!("[{}{}]", self.gap(), items.join(","))
    }

    fn marker(&mut self, members: &mut Vec<(&str, String)>) {
        if !self.one_in(9) {
            return;
        }
        let marker = match self.pick(24) {
            0..=9 => r#"{"type":"ephemeral"}"#,
            10..=12 => r#"{ "ttl" : "5m", "type":"ephemeral" }"#,
            13..=18 => r#"{"type":"ephemeral","ttl":"1h"}"#,
            19..=21 => "null",
            22 => r#"{"type":"ephemeral","ttl":"2h"}"#,
            _ => r#"{"type":"\u0065phemeral","ttl":null,"scope":"global"}"#,
        };
        members.push(("cache_control", marker.to_owned()));
    }

    fn block(&mut self) -> String {
        let kind = self.of(&[
            "text",
            "text",
            "text",
            "tool_result",
            "tool_use",
            "image",
            "thinking",
            "document",
            "redacted_thinking",
            "hologram",
            "web_search_tool_result",
            "t\\u0065xt",
            "tool_use",
            "tool_result",
            "server_tool_use",
            "mcp_tool_use",
            "compaction",
        ]);
        let mut members = vec![("type", format!("\"{kind}\""))];
        match kind {
            "text" | "t\\u0065xt" => {
                members.push(("text", self.text().to_owned()));
                if self.one_in(6) {
                    let mut citation = vec![("type", "\"char_location\"".to_owned())];
                    if self.one_in(4) {
                        self.marker(&mut citation);
                    }
                    let citation = self.object(citation);
                    members.push(("citations", format!("[{citation}]")));
                }
            }
            "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                members.push(("id", self.id().to_owned()));
                members.push(("input", self.junk().to_owned()));
                match self.pick(5) {
                    0 => members.push(("caller", r#"{"type":"direct"}"#.to_owned())),
                    1 => members.push(("caller", self.junk().to_owned())),
                    2 => members.push(("caller", r#"{"type":"code_execution_20250825","tool_id":"s"}"#.to_owned())),
                    _ => {}
                }
            }
            "tool_result" | "web_search_tool_result" => {
                members.push(("tool_use_id", self.id().to_owned()));
                if !self.one_in(3) {
                    let content = self.content();
                    members.push(("content", content));
                }
            }
            "compaction" => {
                let summary = if self.one_in(3) { "null" } else { self.text() };
                members.push(("content", summary.to_owned()));
            }
            "document" => {
                let content = self.content();
                let source = self.object(vec![("type", "\"content\"".to_owned()), ("content", content)]);
                members.push(("source", source));
            }
            "thinking" => members.push(("thinking", self.text().to_owned())),
            _ => {}
        }
        self.marker(&mut members);
        self.object(members)
    }

    fn id(&mut self) -> &'static str {
        self.of(&[r#""a""#, r#""b""#, r#""\u0061""#, r#""c""#])
    }

    fn content(&mut self) -> String {
        if self.depth > 3 || self.one_in(4) {
            return self.text().to_owned();
        }
        self.depth += 1;
        let blocks: Vec<_> = (0..self.pick(4)).map(|_| self.block()).collect();
        self.depth -= 1;
        self.array(&blocks)
    }

    fn tool(&mut self) -> String {
        let mut members = match self.pick(5) {
            0 => vec![],
            1 => {
                let mut config = vec![("enabled", "true".to_owned())];
                if self.one_in(6) {
                    self.marker(&mut config);
                }
                let config = self.object(config);
                vec![("type", "\"mcp_toolset\"".to_owned()), ("configs", format!("{{\"t\":{config}}}"))]
            }
            2 => {
                let mut config = vec![("defer_loading", self.of(&["false", "true"]).to_owned())];
                if self.one_in(6) {
                    self.marker(&mut config);
                }
                let config = self.object(config);
                vec![("type", "\"mcp_toolset\"".to_owned()), ("default_config", config)]
            }
            _ => vec![("name", "\"t\"".to_owned()), ("input_schema", self.junk().to_owned())],
        };
        if self.one_in(4) {
            members.push(("defer_loading", self.of(&["true", "false"]).to_owned()));
        }
        self.marker(&mut members);
        self.object(members)
    }

    pub(crate) fn body(&mut self) -> String {
        let mut members = vec![("model", "\"m\"".to_owned())];
        if self.one_in(2) {
            let tools: Vec<_> = (0..self.pick(4)).map(|_| self.tool()).collect();
            members.push(("tools", self.array(&tools)));
        }
        match self.pick(4) {
            0 => {}
            1 => members.push(("system", self.text().to_owned())),
            _ => {
                let blocks: Vec<_> = (0..self.pick(3))
                    .map(|_| {
                        let mut block = vec![("type", "\"text\"".to_owned()), ("text", self.text().to_owned())];
                        self.marker(&mut block);
                        self.object(block)
                    })
                    .collect();
                members.push(("system", self.array(&blocks)));
            }
        }
        let messages: Vec<_> = (0..self.pick(6))
            .map(|_| {
                let role = self.of(&["\"user\"", "\"assistant\"", "\"us\\u0065r\""]).to_owned();
                let content = self.content();
                self.object(vec![("role", role), ("content", content)])
            })
            .collect();
        members.push(("messages", self.array(&messages)));
        if self.one_in(3) {
            let edit = self.of(&[
                r#"{"type":"clear_tool_uses_20250919"}"#,
                r#"{"type":"clear_tool_uses_20250919","trigger":{"type":"tool_uses","value":1},"keep":{"type":"tool_uses","value":1}}"#,
                r#"{"type":"clear_tool_uses_20250919","keep":{"type":"tool_uses","value":2},"clear_tool_inputs":true}"#,
            ]);
            members.push(("context_management", format!(r#"{{"edits":[{edit}]}}"#)));
        }
        self.marker(&mut members);
        format!("{}{}{}", self.gap(), self.object(members), self.gap())
    }
}
