//! Following a JSON pointer (RFC 6901) in an object.

use serde_json::Value;

use crate::credential::ReferenceFailure;
use crate::secret::Secret;

pub(super) fn text_at(object: &Value, pointer: &str) -> Result<Secret, ReferenceFailure> {
    match object.pointer(pointer) {
        Some(Value::String(text)) => Ok(Secret::new(text.as_str())),
        Some(_) => Err(ReferenceFailure::NotAText),
        None => Err(ReferenceFailure::NotFound),
    }
}
