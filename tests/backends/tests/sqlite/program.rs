//! The example `models` as a program that opens databases.

use std::env::consts::EXE_EXTENSION;
use std::env::{current_exe, var_os};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// What a program, or cargo in its place, needs of this machine. Everything else stays away: many names of variables can
/// hold a credential.
const NEEDED: [&str; 15] = [
    "PATH",
    "SystemRoot",
    "SystemDrive",
    "USERPROFILE",
    "TEMP",
    "TMP",
    "HOME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
];

/// What the program said, and its code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(NEEDED.into_iter().filter_map(|name| Some((name, var_os(name)?))));
    command
}

/// Runs the example on a state directory.
pub(crate) fn models(state: &Path, arguments: &[&str], input: &str) -> Answer {
    let Output { status, stdout, stderr } = run(program(), state, arguments, input);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn run(program: &Path, state: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(program);
    command.arg("--state-dir").arg(state).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The program. The tests of the whole workspace build it with SQLite, beside their own programs; those of this member
/// alone do not build it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tests = current_exe().unwrap();
        let profile = tests.parent().unwrap().parent().unwrap();
        let built = profile.join("examples").join("models").with_extension(EXE_EXTENSION);
        if opens_databases(&built) {
            return built;
        }
        // In a place of its own: the tests of the crate alone expect a program without SQLite in the other one.
        let target = profile.parent().unwrap().join("backends");
        let built =
            target.join(profile.file_name().unwrap()).join("examples").join("models").with_extension(EXE_EXTENSION);
        let mut cargo = command(env!("CARGO"));
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        cargo.args(["build", "--quiet", "--manifest-path", manifest, "--example", "models"]);
        cargo.args(["--features", "sqlite-bundled"]).arg("--target-dir").arg(&target);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "the example cannot be built");
        assert!(opens_databases(&built), "the example was built without SQLite");
        built
    })
}

fn opens_databases(program: &Path) -> bool {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("state")).unwrap();
    std::fs::write(directory.path().join("state/openclaw.sqlite"), "").unwrap();
    program.exists() && {
        let said = run(program, directory.path(), &["status"], "");
        !String::from_utf8_lossy(&said.stderr).contains("built without SQLite")
    }
}
