//! The example `fleet`, as a program.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::is_installed;

/// The example, which cargo builds with the tests of the whole workspace.
fn fleet() -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples/fleet");
    if built.exists() {
        return Command::new(built);
    }
    let mut cargo = Command::new(env!("CARGO"));
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    cargo.args(["run", "--quiet", "--example", "fleet", "--features", "redis", "--manifest-path"]).arg(manifest);
    cargo.arg("--");
    cargo
}

#[test]
fn the_example_of_a_fleet_wastes_and_loses_nothing() {
    if !is_installed() {
        return;
    }
    let ended = fleet().arg("--json").output().unwrap();
    let (out, err) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert!(ended.status.success(), "{out}{err}");
    let figures: Value = serde_json::from_str(out.lines().next_back().unwrap()).unwrap();
    println!("{figures}");
    let figure = |name: &str| figures[name].as_u64().unwrap_or_else(|| panic!("{name} in {figures}"));
    assert_eq!((figure("nodes"), figure("killed")), (4, 1));
    assert!(figure("requests") > 100 && figure("windows") == 6 && figure("expiries") == 6, "{figures}");
    assert_eq!((figure("wasted_after_429"), figure("lost_updates"), figure("orphaned")), (0, 0, 0), "{figures}");
    assert_eq!(figure("refreshes"), figure("expiries"), "{figures}");
    assert!(figure("probes") <= figure("windows"), "{figures}");
    assert!(figure("last_node_learned_ms") < 1_500, "before the limit ends: {figures}");
}

#[test]
fn the_example_of_a_fleet_says_what_it_takes() {
    if !is_installed() {
        return;
    }
    let ended = fleet().arg("--nodes").output().unwrap();
    assert!(!ended.status.success() && String::from_utf8_lossy(&ended.stderr).contains("[--json]"));
    // The password of a URL is not shown.
    let ended = fleet().arg("redis://me:made-up-password@127.0.0.1:1").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("cannot be reached"), "{said}");
    assert!(!said.contains("made-up-password"), "{said}");
}
