//! What the server or the way to it refused, as the crate's own errors: no text of the server, no address, no URL.

use std::io;

use redis::{ErrorKind as Kind, RedisError, ServerErrorKind as Server};

use crate::error::{Error, ErrorKind};

/// The error for a call that failed.
pub(super) fn failure(error: &RedisError) -> Error {
    let away = |message: &str| Error::new(ErrorKind::StoreUnavailable, message);
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || error.is_connection_refusal() {
        let source = if error.is_timeout() { io::ErrorKind::TimedOut } else { io::ErrorKind::NotConnected };
        return away("the server that keeps the credentials cannot be reached").with_source(io::Error::from(source));
    }
    match (error.kind(), error.code()) {
        (Kind::AuthenticationFailed | Kind::Server(Server::NoPerm), _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            let message = "the server that keeps the credentials refuses this user";
            let help =
                "Check the user name and the password in the URL of the server, and what that user may do there.";
            Error::new(ErrorKind::PermissionDenied, message).with_help(help)
        }
        (_, Some("OOM")) => {
            let message = "the server that keeps the credentials has no memory left";
            let help = "Give the server more memory, or remove what else it keeps; the stored credentials were left as they were.";
            Error::new(ErrorKind::StorageFull, message).with_help(help)
        }
        (_, Some("WRONGTYPE")) => {
            let message = "something else is kept under this agent's name on the server";
            let help = "Use another name for the agent, or remove what is kept under this one.";
            Error::new(ErrorKind::Corrupt, message).with_help(help)
        }
        (Kind::InvalidClientConfig | Kind::EmptySentinelList, _) => bad_url(),
        (Kind::UnexpectedReturnType | Kind::Parse, _) => {
            let message = "the server that keeps the credentials gave another answer than was expected";
            Error::new(ErrorKind::Io, message)
        }
        (Kind::Server(Server::ResponseError | Server::ExecAbort | Server::CrossSlot) | Kind::Client, _) => {
            let message = "the server that keeps the credentials refused a command";
            let help = "Check that it is Redis 6.2 or newer, or Valkey, and allows scripts.";
            Error::new(ErrorKind::Io, message).with_help(help)
        }
        // It loads, fails over, has too few replicas or no disk to write to.
        _ => away("the server that keeps the credentials refuses to work for now"),
    }
}

/// The error for an address that cannot be used.
pub(super) fn bad_url() -> Error {
    let help = "Write the URL as `redis://user:password@host:port/0`; `rediss://` needs a program that was built with TLS for it.";
    Error::new(ErrorKind::InvalidUrl, "the URL of the server that keeps the credentials cannot be used").with_help(help)
}
