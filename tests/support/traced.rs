//! What is written to `tracing` in one thread, while others do their tests.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::NoSubscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does the work and gives what it traced, at every level, with the ends of spans.
pub(crate) fn traced<T>(work: impl FnOnce() -> T) -> (T, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .with_span_events(FmtSpan::FULL)
        .finish();
    // With a single subscriber, the first thread that reaches an event decides for all of them whether anybody listens,
    // and here it may be the thread of another test. With two, both are asked.
    let _second = tracing::Dispatch::new(NoSubscriber::default());
    let result = tracing::subscriber::with_default(subscriber, work);
    let log = log.0.lock().unwrap().clone();
    (result, String::from_utf8(log).unwrap())
}
