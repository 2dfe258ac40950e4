//! The examples as programs.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test without its program is a failed test; what programs need is handed on to them"
)]

use std::env::consts::EXE_EXTENSION;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a program, or cargo in its place, needs of this machine in order to start. Everything else stays away, because
/// many names of variables can hold a credential, and none of this machine's may change what an example prints.
const NEEDED: [&str; 18] = [
    "PATH",
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "SystemDrive",
    "ComSpec",
    "PATHEXT",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
];

/// The whole environment an example is started with.
pub(crate) fn environment() -> impl Iterator<Item = (&'static str, OsString)> {
    NEEDED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// An example to be started, with nothing of this machine's own credentials and directories in its environment.
pub(crate) fn example(name: &str) -> Command {
    // Where cargo puts examples; it builds them together with the tests.
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples").join(name).with_extension(EXE_EXTENSION);
    let mut command = if built.exists() {
        Command::new(built)
    } else {
        let mut cargo = Command::new(env!("CARGO"));
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        cargo.args(["run", "--quiet", "--manifest-path", manifest, "--example", name, "--"]);
        cargo
    };
    command.env_clear().envs(environment());
    command
}

/// A path with the separators of this system.
pub(crate) fn native(path: &Path) -> PathBuf {
    path.components().collect()
}

/// What a program said, and its code if it came to an end by itself.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Starts a command. Of hundreds that are started at once, Wine fails to start one now and then, with an internal error.
fn started(command: &mut Command) -> Child {
    const INTERNAL_ERROR: i32 = 1359;
    let mut tries = 0..5;
    loop {
        match command.spawn() {
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(INTERNAL_ERROR) && tries.next().is_some() => {}
            child => return child.unwrap(),
        }
    }
}

/// What a command says; one that does not end says that too.
pub(crate) fn answer(command: &mut Command, input: &[u8]) -> Answer {
    let mut child = started(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    // A program that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
