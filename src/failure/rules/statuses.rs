//! The meaning of a status without other evidence.

use FailureReason::{Auth, Billing, Format, Network, NotFound, Overloaded, RateLimit, ServerError, Timeout, Unknown};

use super::{Rule, When, code, status};
use crate::failure::transport::TransportError;
use crate::reason::FailureReason;

/// RFC 9110 section 15.5.8: a proxy requires its own login.
pub(super) static DECISIVE: &[Rule] = &[status(When::In(&[407]), Network).on_the_way(TransportError::Proxy)];

#[rustfmt::skip]
pub(super) static STATUS: &[Rule] = &[
    status(When::In(&[401, 403]), Auth),
    status(When::In(&[402]), Billing),
    status(When::In(&[404]), NotFound),
    // 410 without words: the object is gone with its connection, so the same request may succeed elsewhere.
    status(When::In(&[408, 410, 499, 504, 524]), Timeout),
    // Bedrock: the model failed to process the request.
    status(When::In(&[424]), ServerError),
    status(When::In(&[429]), RateLimit),
    status(When::In(&[529]), Overloaded),
    // Google's UNAVAILABLE is what others call overloaded.
    code("unavailable", Overloaded).when(When::In(&[503])),
    // A provider that blames itself is believed rather than a 400.
    code("api_error|server_error|internal_server_error", ServerError).when(When::In(&[400, 422])),
    status(When::In(&[400, 405, 406, 411, 413, 414, 415, 416, 417, 422, 431]), Format),
    status(When::Range(500, 599), ServerError),
    // Redirects are not followed: the address is wrong, and another profile would be redirected too.
    status(When::Range(300, 399), NotFound),
    status(When::Range(400, 499), Unknown),
];
