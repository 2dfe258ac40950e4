//! The source `exec`: what a command may do, and what ends it.

use std::fs::{Permissions, create_dir, read_to_string, set_permissions, write};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use provider_auth::credential::ReferenceFailure::{
    self, CommandFailed, ForeignOwner, InvalidAnswer, InvalidEntry, InvalidId, NoOutput, NotAFile, NotAText,
    NotAllowed, NotFound, OpenToOthers, Refused, TimedOut, TooLarge, Unreadable, Untrusted,
};
use provider_auth::references::ReferenceResolver;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Found, configured, find, find_all};

/// Held while a script is written and run: a process that another test starts meanwhile would have the script open for
/// writing, and nothing runs it then.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(super) fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory with a script in it, which is the command.
struct Script {
    directory: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Script {
    fn new(text: &str) -> Self {
        let script = Self { _alone: alone(), directory: tempfile::tempdir().unwrap() };
        write(script.path(), format!("#!/bin/sh\n{text}\n")).unwrap();
        set_permissions(script.path(), Permissions::from_mode(0o700)).unwrap();
        script
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("command")
    }

    fn entry(&self, more: &Value) -> Value {
        let mut entry = json!({ "source": "exec", "command": self.path() });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    }

    fn run(&self, more: &Value, id: &str) -> Found {
        run(&self.entry(more), id)
    }

    /// What a script wrote beside itself.
    fn wrote(&self, name: &str) -> Option<String> {
        Some(read_to_string(self.directory.path().join(name)).ok()?.trim().to_owned())
    }

    /// Whether the process whose number a script wrote goes on. It was told to end, which takes a moment.
    fn lives(&self, name: &str) -> bool {
        let number: i32 = self.wrote(name).unwrap().parse().unwrap();
        // One that has ended stays until the first of all processes has looked at it.
        let ended = |status: String| status.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
        let is_there = || {
            test_kill_process(Pid::from_raw(number).unwrap()).is_ok()
                && !read_to_string(format!("/proc/{number}/status")).is_ok_and(ended)
        };
        let start = Instant::now();
        while is_there() {
            if start.elapsed() > Duration::from_secs(5) {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }
}

fn run(entry: &Value, id: &str) -> Found {
    let resolver = ReferenceResolver::new().allow_commands();
    find(
        &resolver,
        &configured(&json!({ "vault": entry }), &[("PASSED", "p-1"), ("KEPT", "k-1")]),
        ("exec", "vault", id),
    )
}

fn answering(answer: &str) -> Script {
    Script::new(&format!("cat > question\ncat <<'END'\n{answer}\nEND"))
}

fn quickly<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    done
}

#[test]
fn a_command_is_asked_once_for_all_ids() {
    let script = answering(
        r#"{"protocolVersion":1,"values":{"a/b":"sk-1","c":"sk-2"},"errors":{"d":{"code":"NOT_FOUND","message":"sk-free"}}}"#,
    );
    let config = configured(&json!({ "vault": script.entry(&json!({})) }), &[]);
    let resolver = ReferenceResolver::new().allow_commands();
    let asked = ["a/b", "c", "d", "e", "../f"].map(|id| ("exec", "vault", id));
    let found = find_all(&resolver, &config, &asked);
    assert_eq!(found, [Ok("sk-1".into()), Ok("sk-2".into()), Err(Refused), Err(NotFound), Err(InvalidId)]);
    let question: Value = serde_json::from_str(&script.wrote("question").unwrap()).unwrap();
    assert_eq!(question, json!({ "protocolVersion": 1, "provider": "vault", "ids": ["a/b", "c", "d", "e"] }));
}

#[test]
fn ids_that_climb_never_reach_a_command() {
    let script = answering("{}");
    for id in ["..", "../a", "a/..", "a/../b", "./a", "a/.", "-a", "/a", "a b", "a;b", "$(a)", "a\n", &"a".repeat(257)]
    {
        assert_eq!(script.run(&json!({}), id), Err(InvalidId), "{id:?}");
    }
    assert_eq!(script.wrote("question"), None);
    assert_eq!(script.run(&json!({}), "a/..b/c..d"), Err(InvalidAnswer));
}

#[test]
fn answers_of_another_form_are_refused() {
    for (answer, found) in [
        ("", InvalidAnswer),
        ("sk-plain", InvalidAnswer),
        ("{", InvalidAnswer),
        ("[]", InvalidAnswer),
        (r#"{"values":{"a":"sk-1"}}"#, InvalidAnswer),
        (r#"{"protocolVersion":2,"values":{"a":"sk-1"}}"#, InvalidAnswer),
        (r#"{"protocolVersion":"1","values":{"a":"sk-1"}}"#, InvalidAnswer),
        (r#"{"protocolVersion":1,"values":["sk-1"]}"#, InvalidAnswer),
        (r#"{"protocolVersion":1,"values":{"a":"sk-1"},"errors":"sk-1"}"#, InvalidAnswer),
        (r#"{"protocolVersion":1,"values":{"a":"sk-1"}} x"#, InvalidAnswer),
        (r#"{"protocolVersion":1,"values":{"a":7}}"#, NotAText),
        (r#"{"protocolVersion":1,"values":{"a":" "}}"#, NotAText),
        (r#"{"protocolVersion":1,"values":{"b":"sk-1"}}"#, NotFound),
        (r#"{"protocolVersion":1}"#, NotFound),
        (r#"{"protocolVersion":1,"values":{"a":"sk-1"},"errors":{"a":{}}}"#, Refused),
    ] {
        assert_eq!(answering(answer).run(&json!({}), "a"), Err(found), "{answer}");
    }
}

#[test]
fn plain_output_is_the_secret_where_the_entry_says_so() {
    let plain = json!({ "jsonOnly": false });
    assert_eq!(answering("sk-plain").run(&plain, "a"), Ok("sk-plain".to_owned()));
    // Lines stay apart until somebody looks at them: two secrets are none.
    assert_eq!(answering("A_KEY=a\nB_KEY=b\n").run(&plain, "a"), Ok("A_KEY=a\nB_KEY=b".to_owned()));
    let answer = answering(r#"{"protocolVersion":1,"values":{"a":"sk-1"}}"#);
    assert_eq!(answer.run(&plain, "a"), Ok("sk-1".to_owned()));
    drop(answer);
    let script = Script::new("cat >> questions; echo sk-same");
    let config = configured(&json!({ "vault": script.entry(&plain) }), &[]);
    let resolver = ReferenceResolver::new().allow_commands();
    let found = find_all(&resolver, &config, &[("exec", "vault", "a"), ("exec", "vault", "b")]);
    assert_eq!(found, [Ok("sk-same".into()), Ok("sk-same".into())]);
    assert_eq!(script.wrote("questions").unwrap().matches("protocolVersion").count(), 2);
}

#[test]
fn a_command_that_hangs_is_ended() {
    let script = Script::new("echo $$ > pid; sleep 60 & echo $! > child; exec sleep 60");
    assert_eq!(quickly(|| script.run(&json!({ "timeoutMs": 300 }), "a")), Err(TimedOut));
    assert!(!script.lives("pid") && !script.lives("child"));
    drop(script);
    // Neither a trap nor output that goes on keeps it.
    let script = Script::new("echo $$ > pid; trap '' TERM INT HUP; while :; do echo .; sleep 0.05; done");
    assert_eq!(quickly(|| script.run(&json!({ "timeoutMs": 400 }), "a")), Err(TimedOut));
    assert!(!script.lives("pid"));
    drop(script);
    // Closing the output is no end.
    let script = Script::new("echo $$ > pid; exec >&-; sleep 60");
    assert_eq!(quickly(|| script.run(&json!({ "timeoutMs": 300 }), "a")), Err(TimedOut));
    assert!(!script.lives("pid"));
}

#[test]
fn a_command_that_is_silent_is_ended() {
    let script = Script::new("echo $$ > pid; echo .; sleep 60");
    let patience = json!({ "noOutputTimeoutMs": 200, "timeoutMs": 60000 });
    assert_eq!(quickly(|| script.run(&patience, "a")), Err(NoOutput));
    assert!(!script.lives("pid"));
    drop(script);
    let script = Script::new(
        r#"sleep 0.1; printf '{"protocolVersion":1,'; sleep 0.1; printf '"values":'; sleep 0.1; printf '{"a":"sk-1"}}'"#,
    );
    let patience = json!({ "noOutputTimeoutMs": 2000, "timeoutMs": 60000 });
    assert_eq!(script.run(&patience, "a"), Ok("sk-1".to_owned()));
}

#[test]
fn what_a_command_leaves_running_is_ended() {
    // The grandchild keeps the output open; the answer is complete all the same.
    let answer = r#"echo '{"protocolVersion":1,"values":{"a":"sk-1"}}'"#;
    let script = Script::new(&format!(
        "(sleep 60 & echo $! > child; wait) & echo $! > middle\n{answer}\nwhile [ ! -s child ]; do sleep 0.01; done"
    ));
    assert_eq!(quickly(|| script.run(&json!({}), "a")), Ok("sk-1".to_owned()));
    assert!(!script.lives("child") && !script.lives("middle"));
    drop(script);
    let script = Script::new("sleep 60 & echo $! > child; exit 3");
    assert_eq!(quickly(|| script.run(&json!({}), "a")), Err(CommandFailed));
    assert!(!script.lives("child"));
}

#[test]
fn output_without_end_is_cut_off() {
    let script = Script::new("echo $$ > pid; while :; do echo 0123456789012345678901234567890123456789; done");
    for (more, failure) in [(json!({ "maxOutputBytes": 100 }), TooLarge), (json!({}), TooLarge)] {
        let found = script.run(
            &json!({ "timeoutMs": 60000, "maxOutputBytes": more["maxOutputBytes"].as_i64().unwrap_or(200_000) }),
            "a",
        );
        assert_eq!(found, Err(failure));
        assert!(!script.lives("pid"));
    }
}

#[test]
fn standard_error_goes_nowhere_and_a_failure_is_only_that() {
    if cfg!(target_os = "linux") {
        let script = Script::new("echo sk-on-stderr >&2; readlink /proc/$$/fd/2");
        assert_eq!(script.run(&json!({ "jsonOnly": false }), "a"), Ok("/dev/null".to_owned()));
    }
    let script = Script::new("echo sk-on-stderr >&2; echo sk-on-stdout; exit 1");
    let failure = script.run(&json!({ "jsonOnly": false }), "a").unwrap_err();
    assert_eq!(failure, CommandFailed);
    let shown = format!("{failure:?} {failure} {}", failure.help());
    assert!(!shown.contains("sk-on"), "{shown}");
    drop(script);
    assert_eq!(Script::new("kill -9 $$").run(&json!({}), "a"), Err(CommandFailed));
}

#[test]
fn a_command_has_the_listed_variables_its_directory_and_no_shell() {
    let script = Script::new("pwd > directory; echo \"$1\" > argument; /usr/bin/env > variables; echo sk-1");
    let more = json!({
        "jsonOnly": false, "args": ["$(id); `id` \"*\""], "passEnv": ["PASSED", "NOT_SET"], "env": { "GIVEN": "g-1" },
    });
    assert_eq!(script.run(&more, "a"), Ok("sk-1".to_owned()));
    assert_eq!(script.wrote("argument").unwrap(), "$(id); `id` \"*\"");
    assert_eq!(Path::new(&script.wrote("directory").unwrap()), script.directory.path().canonicalize().unwrap());
    let variables = script.wrote("variables").unwrap();
    let mut names: Vec<&str> = variables.lines().filter_map(|line| line.split('=').next()).collect();
    // The shell of the script sets these for itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["GIVEN", "PASSED"], "{variables}");
}

#[test]
fn a_question_that_nobody_reads_blocks_nobody() {
    let script = Script::new(r#"echo '{"protocolVersion":1,"values":{}}'"#);
    let ids: Vec<String> = (0..600).map(|n| format!("{n}{}", "a".repeat(250))).collect();
    let asked: Vec<_> = ids.iter().map(|id| ("exec", "vault", id.as_str())).collect();
    let config = configured(&json!({ "vault": script.entry(&json!({})) }), &[]);
    let found = quickly(|| find_all(&ReferenceResolver::new().allow_commands(), &config, &asked));
    assert!(found.iter().all(|found| *found == Err(NotFound)), "{:?}", found.first());
    drop(script);
    let script = Script::new("echo $$ > pid; sleep 60");
    let config = configured(&json!({ "vault": script.entry(&json!({ "timeoutMs": 300 })) }), &[]);
    let found = quickly(|| find_all(&ReferenceResolver::new().allow_commands(), &config, &asked));
    assert!(found.iter().all(|found| *found == Err(TimedOut)));
    assert!(!script.lives("pid"));
}

#[test]
fn a_command_that_others_can_change_is_never_run() {
    let script = Script::new("echo ran > ran; echo sk-1");
    let plain = |path: &Path| json!({ "source": "exec", "command": path, "jsonOnly": false });
    let refused = |path: &Path| -> Result<String, ReferenceFailure> { run(&plain(path), "a") };
    let (path, directory) = (script.path(), script.directory.path());
    for (mode, found) in [
        (0o700, Ok("sk-1".to_owned())),
        (0o755, Ok("sk-1".to_owned())),
        (0o720, Err(OpenToOthers)),
        (0o702, Err(OpenToOthers)),
        (0o777, Err(OpenToOthers)),
    ] {
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let _ = std::fs::remove_file(directory.join("ran"));
        assert_eq!(refused(&path), found, "{mode:o}");
        assert_eq!(script.wrote("ran").is_some(), found.is_ok(), "{mode:o}");
    }
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(refused(&path), Err(Unreadable));
    set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    symlink(&path, directory.join("link")).unwrap();
    assert_eq!(refused(&directory.join("link")), Err(NotAFile));
    assert_eq!(refused(directory), Err(NotAFile));
    assert_eq!(refused(&directory.join("nothing")), Err(Unreadable));
    assert_eq!(refused(Path::new("command")), Err(InvalidEntry));
    let open = directory.join("open");
    create_dir(&open).unwrap();
    std::fs::copy(&path, open.join("command")).unwrap();
    set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    assert_eq!(refused(&open.join("command")), Err(OpenToOthers));
    if chown(&path, Some(12_345), None).is_ok() {
        assert_eq!(refused(&path), Err(ForeignOwner));
    }
}

#[test]
fn trusted_directories_bound_where_commands_are() {
    let script = Script::new("echo sk-1");
    let directory = script.directory.path();
    create_dir(directory.join("sub")).unwrap();
    for (trusted, found) in [
        (json!([directory]), Ok("sk-1".to_owned())),
        (json!(["/nowhere", directory.parent()]), Ok("sk-1".to_owned())),
        (json!([directory.join("sub")]), Err(Untrusted)),
        (json!([directory.join("sub/..")]), Ok("sk-1".to_owned())),
        (json!([format!("{}-other", directory.display())]), Err(Untrusted)),
        (json!(["."]), Err(Untrusted)),
        (json!([]), Err(Untrusted)),
    ] {
        assert_eq!(script.run(&json!({ "jsonOnly": false, "trustedDirs": trusted }), "a"), found, "{trusted}");
    }
}

#[test]
fn nothing_is_run_without_the_callers_word() {
    let script = Script::new("echo ran > ran; echo sk-1");
    let config = configured(&json!({ "vault": script.entry(&json!({ "jsonOnly": false })) }), &[]);
    for resolver in [ReferenceResolver::new(), ReferenceResolver::new().allow_files()] {
        assert_eq!(find(&resolver, &config, ("exec", "vault", "a")), Err(NotAllowed));
    }
    assert_eq!(script.wrote("ran"), None);
}
