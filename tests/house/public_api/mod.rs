//! The public items: `public_api.txt` beside the tests has one line per item, so that a review shows what a change
//! removes or promises. Update it with
//!
//! ```console
//! $ PROVIDER_AUTH_RENEW=1 cargo test --test house public_api -- --ignored
//! ```

#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a key that is missing in JSON reads as null; a test that does not run says so"
)]

mod items;
mod signature;

use std::env::var_os;
use std::fs::{read_to_string, write};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What the documentation of the gate is built with, so that nothing more is built for this. `rustls` adds no item.
const FEATURES: &str = "client,file,conformance,testing,tracing,exec,sqlite-bundled,redis";

/// The version of rustdoc's JSON that `items` and `signature` were written for, the one of Rust 1.95. It changes with the
/// compiler, most times in what is not read here.
const FORMAT: u64 = 57;

fn rustdoc() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let status = Command::new(env!("CARGO"))
        .args(["rustdoc", "--quiet", "--lib", "--features", FEATURES, "--target-dir"])
        .arg(target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .current_dir(root)
        .env("RUSTDOC", root.join("tests/house/public_api/rustdoc.sh"))
        .status();
    assert!(status.unwrap().success(), "rustdoc does not write JSON; what it says stands above");
    serde_json::from_str(&read_to_string(target.join("doc/provider_auth.json")).unwrap()).unwrap()
}

/// The lines of one text that the other has not.
fn without<'a>(text: &'a str, other: &str) -> Vec<&'a str> {
    text.lines().filter(|line| !other.lines().any(|one| one == *line)).collect()
}

#[test]
#[ignore = "builds the documentation: cargo test --test house public_api -- --ignored"]
fn the_public_items_change_on_purpose_only() {
    let crate_ = rustdoc();
    let found = items::lines(&crate_).join("\n") + "\n";
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/house/public_api.txt");
    if var_os("PROVIDER_AUTH_RENEW").is_some() {
        return write(kept, found).unwrap();
    }
    let expected = read_to_string(kept).unwrap();
    if found == expected {
        return;
    }
    let format = crate_["format_version"].as_u64();
    let differs = format!("gone: {:#?}\nnew: {:#?}", without(&expected, &found), without(&found, &expected));
    if format != Some(FORMAT) {
        let told = format!(
            "rustdoc of this toolchain writes JSON of version {format:?}, and tests/house/public_api reads {FORMAT}: perhaps \
             nothing has changed but that. See what is new in that version, mend the two files, set FORMAT.\n{differs}"
        );
        assert!(var_os("PROVIDER_AUTH_GATE").is_none(), "{told}");
        return eprintln!("skipped: {told}");
    }
    panic!("{differs}\nIf that is meant: PROVIDER_AUTH_RENEW=1 cargo test --test house public_api -- --ignored");
}
