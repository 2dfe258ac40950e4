//! A way to a server that can be cut, and that can lead to another server later.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::server::Server;

#[derive(Default)]
struct State {
    /// The port it leads to; `None` while it is cut.
    target: Option<u16>,
    streams: Vec<TcpStream>,
}

/// A port of loopback that leads to a server.
pub(crate) struct Way {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Way {
    pub(crate) fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { target: Some(server.port), streams: Vec::new() }));
        let known = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                join(stream.unwrap(), &known);
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends every connection, and refuses others until it leads somewhere again.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.target = None;
        for stream in state.streams.drain(..) {
            // It may have ended before.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn lead_to(&self, server: &Server) {
        self.state.lock().unwrap().target = Some(server.port);
    }
}

/// Joins a stream with one to the server, or drops it.
fn join(stream: TcpStream, state: &Mutex<State>) {
    // Held until the stream is known, so that a cut ends this one too.
    let mut state = state.lock().unwrap();
    let Some(onward) = state.target.and_then(|port| TcpStream::connect(("127.0.0.1", port)).ok()) else { return };
    for stream in [&stream, &onward] {
        stream.set_nodelay(true).unwrap();
        state.streams.push(stream.try_clone().unwrap());
    }
    let ways = [(stream.try_clone().unwrap(), onward.try_clone().unwrap()), (onward, stream)];
    for (from, to) in ways {
        std::thread::spawn(move || pass(from, to));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
