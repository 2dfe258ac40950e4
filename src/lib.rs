//! Config, credential profiles, cooldowns and cache-marked Anthropic requests for LLM agents.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod cache;
mod clock;
mod diagnostic;
mod error;
mod id;
mod profile;
mod request;
mod retention;
mod secret;

pub use cache::{CacheMarker, CacheTtl, MarkerNote, MarkerOrigin, MarkerPlan, MarkerReason, MarkerSection, mark_body};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use diagnostic::{Diagnostic, DiagnosticCode, Severity};
pub use error::{Error, ErrorKind, Location, Result};
pub use id::{ModelRef, ProfileId, ProviderId};
pub use profile::{Credential, CredentialKind};
pub use request::{AuthScheme, BetaList, BetaPolicy, Endpoint, EndpointKind, PreparedRequest, RequestBuilder};
pub use retention::CacheRetention;
pub use secret::Secret;
