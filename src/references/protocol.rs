//! The question for a command, and its answer.

use serde_json::{Value, json};

use crate::credential::ReferenceFailure;
use crate::secret::{Secret, is_blank_char};

const VERSION: u64 = 1;

pub(super) fn question(provider: &str, ids: &[&str]) -> Vec<u8> {
    json!({"protocolVersion": VERSION, "provider": provider, "ids": ids}).to_string().into_bytes()
}

/// An answer. Its messages are never read, because they may contain secrets.
pub(super) struct Answer(Form);

enum Form {
    Object(Value),
    Plain(Secret),
}

impl Answer {
    /// Reads an answer. Without `json_only`, output that is not in the protocol's format is the secret.
    pub(super) fn read(output: &[u8], json_only: bool) -> Result<Self, ReferenceFailure> {
        let text = std::str::from_utf8(output).map_err(|_| ReferenceFailure::InvalidAnswer)?;
        let object = match serde_json::from_str::<Value>(text) {
            Ok(value @ Value::Object(_)) if json_only || value.get("protocolVersion").is_some() => value,
            _ if json_only => return Err(ReferenceFailure::InvalidAnswer),
            _ => return Ok(Self(Form::Plain(Secret::new(text.trim_matches(is_blank_char))))),
        };
        let is_version = object.get("protocolVersion").and_then(Value::as_u64) == Some(VERSION);
        let is_object = |key: &str| object.get(key).is_none_or(Value::is_object);
        if !is_version || !is_object("values") || !is_object("errors") {
            return Err(ReferenceFailure::InvalidAnswer);
        }
        Ok(Self(Form::Object(object)))
    }

    pub(super) fn secret(&self, id: &str) -> Result<Secret, ReferenceFailure> {
        let object = match &self.0 {
            Form::Plain(secret) => return Ok(secret.clone()),
            Form::Object(object) => object,
        };
        let member = |key: &str| object.get(key)?.get(id);
        match (member("errors"), member("values")) {
            (Some(_), _) => Err(ReferenceFailure::Refused),
            (None, Some(Value::String(text))) => Ok(Secret::new(text.as_str())),
            (None, Some(_)) => Err(ReferenceFailure::NotAText),
            (None, None) => Err(ReferenceFailure::NotFound),
        }
    }
}
