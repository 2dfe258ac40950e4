//! What an answer, a text or an event means, and until when to wait.

mod deadline_sentences;
mod deadlines;
mod properties;
mod rules;
mod samples;
mod streams;
mod vectors;
