//! Finds out why a request missed the cache: the first difference from the previous request.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use crate::cache::body::{Block, BlockPath, BodyLayout, CommonPrefix, Scanned, scan, unmarked};
use crate::cache::plan::{BreakpointSection, Clearing};
use crate::error::{Error, ErrorKind, Result};

/// The part of the request that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangedPart {
    /// The field `model`: every model has its own cache.
    Model,
    /// A tool that is new, gone or different. If only one member differs, its name.
    Tool(Option<String>),
    /// The field `speed`.
    Speed,
    /// A block of the system prompt that is new, gone or different.
    System,
    /// The field `tool_choice`.
    ToolChoice,
    /// The field `thinking`. Some models lose more than the messages.
    Thinking,
    /// The field `output_config`, which has the effort. Some models lose more than the messages.
    OutputConfig,
    /// A new image. It loses all messages, wherever it is.
    ImageAdded,
    /// A removed image. It loses all messages, wherever it was.
    ImageRemoved,
    /// The field `context_management`, which tells the API what to clear from the messages.
    ContextManagement,
    /// An old tool result, or its call, that the API clears now (`clear_tool_uses_20250919`). A body shows this if the
    /// trigger is a number of tool uses and `clear_at_least` is not set.
    ResultCleared,
    /// A block of an earlier message that is gone or different.
    Message,
}

/// The first difference between two requests of a session that loses cache entries, and the entries that it loses.
///
/// # Examples
///
/// ```
/// use provider_auth::cache::{BreakpointSection, PromptChange};
///
/// let before = br#"{"tools":[{"name":"a","input_schema":{}}],"system":"s","messages":[{"role":"user","content":"u"}]}"#;
/// let after = br#"{"tools":[{"name":"a","input_schema":{"x":1}}],"system":"s","messages":[{"role":"user","content":"u"}]}"#;
/// let change = PromptChange::between(before, after)?.unwrap();
/// assert_eq!(change.to_string(), "/tools/0 changed in its input_schema: tools, system and messages are lost from there on");
/// assert_eq!(change.lost_from, BreakpointSection::Tools);
/// assert_eq!(PromptChange::between(before, before)?, None);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptChange {
    /// The part that changed.
    pub part: ChangedPart,
    /// The JSON Pointer to the change in the later body, or in the earlier one if the part is gone.
    pub path: String,
    /// The first section that loses entries. The sections after it lose theirs too.
    pub lost_from: BreakpointSection,
}

impl PromptChange {
    /// Compares the bodies of two consecutive requests. Returns `None` if, as far as the bodies show, the second
    /// request can read everything that the first one wrote. Messages added at the end and cache markers are not
    /// changes.
    ///
    /// The entries that a change loses follow the API's rules (prompt caching page, 2026-09).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`] or [`ErrorKind::TooDeep`] if one of them is not a request body.
    pub fn between(previous: &[u8], current: &[u8]) -> Result<Option<Self>> {
        let (before, now) = (scan(previous)?, scan(current)?);
        let (before, now) = (Scanned { body: previous, layout: &before }, Scanned { body: current, layout: &now });
        let (old, new) = (fields(previous)?, fields(current)?);
        let field = |name: &str| old.get(name) != new.get(name);
        let at = |part, name: &str, lost_from| Some(Self { part, path: format!("/{name}"), lost_from });
        let common = CommonPrefix::of(before, now, false);
        // The checks follow the order of the prompt in the cache: the first one that fails loses all that come after
        // it.
        if field("model") {
            return Ok(at(ChangedPart::Model, "model", BreakpointSection::Tools));
        }
        if common.tools < before.layout.tools().blocks.len().max(now.layout.tools().blocks.len()) {
            let part = ChangedPart::Tool(changed_member(before, now, common.tools));
            return Ok(Self::block(part, BreakpointSection::Tools, before, now, common.tools));
        }
        if field("speed") {
            return Ok(at(ChangedPart::Speed, "speed", BreakpointSection::System));
        }
        if !common.head {
            return Ok(Self::block(ChangedPart::System, BreakpointSection::System, before, now, common.system));
        }
        for (part, name) in [
            (ChangedPart::ToolChoice, "tool_choice"),
            (ChangedPart::Thinking, "thinking"),
            (ChangedPart::OutputConfig, "output_config"),
            (ChangedPart::ContextManagement, "context_management"),
        ] {
            if field(name) {
                return Ok(at(part, name, BreakpointSection::Messages));
            }
        }
        // An image that comes or goes loses all messages, even those before it, so it is checked before the first
        // changed block.
        let image = |scanned: Scanned<'_>| images(scanned);
        let (was, is) = (image(before), image(now));
        let part = match was.len().cmp(&is.len()) {
            std::cmp::Ordering::Less => Some((ChangedPart::ImageAdded, first_other(&is, &was))),
            std::cmp::Ordering::Greater => Some((ChangedPart::ImageRemoved, first_other(&was, &is))),
            std::cmp::Ordering::Equal => None,
        };
        if let Some((part, path)) = part {
            return Ok(Some(Self { part, path, lost_from: BreakpointSection::Messages }));
        }
        let cleared = newly_cleared(before, now).filter(|at| *at < common.messages);
        if let Some(at) = cleared {
            return Ok(Self::block(ChangedPart::ResultCleared, BreakpointSection::Messages, before, now, at));
        }
        if common.messages < before.layout.messages().blocks.len() {
            return Ok(Self::block(ChangedPart::Message, BreakpointSection::Messages, before, now, common.messages));
        }
        Ok(None)
    }

    fn block(
        part: ChangedPart,
        section: BreakpointSection,
        before: Scanned<'_>,
        now: Scanned<'_>,
        at: usize,
    ) -> Option<Self> {
        let find = |layout: &BodyLayout| section.of(layout).blocks.get(at).map(|block| block.path.pointer());
        let path = find(now.layout).or_else(|| find(before.layout))?;
        Some(Self { part, path, lost_from: section })
    }
}

/// Returns the first block that the API clears now and did not clear before.
fn newly_cleared(before: Scanned<'_>, now: Scanned<'_>) -> Option<usize> {
    let cleared = |scanned: Scanned<'_>| Clearing::of(scanned, usize::MAX).filter(|clearing| clearing.certain);
    let (was, is) = (cleared(before), cleared(now)?);
    was.map_or(Some(is.first), |was| Some(was.next).filter(|next| *next < is.next))
}

/// Returns the fields of the body other than the prompt.
fn fields(body: &[u8]) -> Result<serde_json::Map<String, Value>> {
    let mut fields: serde_json::Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| Error::new(ErrorKind::InvalidBody, "the request body is not a JSON object"))?;
    for prompt in ["tools", "system", "messages", "cache_control"] {
        fields.shift_remove(prompt);
    }
    Ok(fields)
}

fn changed_member(before: Scanned<'_>, now: Scanned<'_>, at: usize) -> Option<String> {
    let tree = |scanned: Scanned<'_>| {
        let section = scanned.layout.tools();
        let block: &Block = section.blocks.get(at)?;
        serde_json::from_slice::<serde_json::Map<String, Value>>(&unmarked((scanned.body, section, at, block))).ok()
    };
    let (old, new) = (tree(before)?, tree(now)?);
    let differing = new.iter().filter(|(name, value)| old.get(*name) != Some(value)).map(|(name, _)| name);
    let mut names = differing.chain(old.keys().filter(|name| !new.contains_key(*name)));
    let only = names.next()?;
    if names.next().is_some() { None } else { Some(only.clone()) }
}

/// Returns the pointer and the text of every block of the messages that has an image.
fn images(scanned: Scanned<'_>) -> Vec<(String, Vec<u8>)> {
    let section = scanned.layout.messages();
    let blocks = section.blocks.iter().enumerate();
    let texts = blocks.map(|(index, block)| (block.path, unmarked((scanned.body, section, index, block))));
    texts.filter_map(|(path, text)| image_path(path, &text).map(|path| (path, text.into_owned()))).collect()
}

/// Returns the pointer to the image if the block is one or a tool result that contains one.
fn image_path(path: BlockPath, text: &[u8]) -> Option<String> {
    let block: Value = serde_json::from_slice(text).ok()?;
    let is_image = |block: &Value| block.get("type").and_then(Value::as_str) == Some("image");
    if is_image(&block) {
        return Some(path.pointer());
    }
    let inner = block.get("content")?.as_array()?.iter().position(is_image)?;
    Some(format!("{}/content/{inner}", path.pointer()))
}

/// Returns the pointer to the first image of one list that the other does not have.
fn first_other(of: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) -> String {
    let known: HashSet<_> = other.iter().map(|(_, text)| text).collect();
    let missing = of.iter().find(|(_, text)| !known.contains(text));
    missing.or(of.last()).map(|(path, _)| path.clone()).unwrap_or_default()
}

impl fmt::Display for PromptChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            ChangedPart::Tool(Some(member)) => write!(f, "{} changed in its {member}", self.path)?,
            ChangedPart::ImageAdded => write!(f, "the image {} was added", self.path)?,
            ChangedPart::ImageRemoved => write!(f, "the image {} was removed", self.path)?,
            ChangedPart::ResultCleared => write!(f, "the API clears {}", self.path)?,
            _ => write!(f, "{} changed", self.path)?,
        }
        f.write_str(match self.lost_from {
            BreakpointSection::Tools => ": tools, system and messages are lost from there on",
            BreakpointSection::System => ": system and messages are lost from there on",
            BreakpointSection::Messages if matches!(self.part, ChangedPart::Message | ChangedPart::ResultCleared) => {
                ": messages are lost from there on"
            }
            BreakpointSection::Messages => ": messages are lost",
        })
    }
}
