//! The classification of an answer, a text or an event, and its deadline.

mod deadline_sentences;
mod deadlines;
mod properties;
mod rules;
mod samples;
mod streams;
mod vectors;
