//! The examples, started as programs as a user starts them.

mod answer;
mod embed;
#[path = "../support/forged.rs"]
mod forged;
mod models_cli;
mod models_edges;
mod models_forged;
mod models_layouts;
mod models_places;
mod models_secrets;
mod models_terminal;
mod program;
mod quickstart;
mod readme;
mod request;
mod rotate;
