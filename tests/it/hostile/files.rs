//! Hostile file cases that need two interpreters or a particular file system.

use super::case::Place;
use super::lane::Lane;
use archipel::policy::Access;
use archipel::{Error, Interpreter, Output, Policy, Value};
use std::process::Command;

fn reads_and_writes(lane: &Lane, place: &Place) -> Interpreter {
    let policy = Policy::new().dir(place.folder("data"), "/data", Access::ReadWrite);
    lane.interpreter(policy.unwrap())
}

/// F-9: Nested directories are granted, one of them read-only.
///
/// Outcome: a typed error when the policy is made.
#[test]
fn f_9_overlapping_grants_are_refused() {
    let place = Place::new("f-9");
    let data = place.folder("data");
    let inner = data.join("inner");
    std::fs::create_dir(&inner).unwrap();
    let rows = [
        (&data, Access::ReadOnly, &inner, Access::ReadWrite),
        (&data, Access::ReadWrite, &inner, Access::ReadOnly),
        (&inner, Access::ReadWrite, &data, Access::ReadOnly),
        (&data, Access::ReadOnly, &data, Access::ReadWrite),
    ];
    for (first, first_access, second, second_access) in rows {
        let policy = Policy::new().dir(first, "/one", first_access).unwrap();
        let refused = policy.dir(second, "/two", second_access);
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    }
    let policy = Policy::new().dir(&data, "/one", Access::ReadOnly).unwrap();
    assert!(policy.dir(&inner, "/two", Access::ReadOnly).is_ok());
}

/// F-10: Grants of directories, by name or by link, would expose the whole system.
///
/// Outcome: a typed error when the policy is made.
#[cfg(unix)]
#[test]
fn f_10_grants_of_the_whole_system_are_refused() {
    let place = Place::new("f-10");
    let data = place.folder("data");
    std::os::unix::fs::symlink("/", data.join("root")).unwrap();
    let root = data.join("root");
    let up = data.join("../../../../../../../../..");
    let paths = [
        "/",
        "/proc",
        "/proc/self",
        "/sys",
        "/dev",
        "/dev/shm",
        "//",
        "/./",
        "/proc/..",
    ];
    for path in paths.iter().map(std::path::Path::new).chain([&*root, &up]) {
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let refused = Policy::new().dir(path, "/data", access);
            assert!(
                matches!(refused, Err(Error::Config(_))),
                "{}",
                path.display()
            );
        }
    }
}

/// F-13: One interpreter continuously replaces a folder by a link to the outside, while another opens a file by
/// that path.
///
/// Outcome: DENY or the file in the folder; never a file outside.
#[test]
fn f_13_swapping_a_folder_for_a_link_never_escapes() {
    let (lane, place) = (Lane::new(), Place::new("f-13"));
    let swaps = reads_and_writes(&lane, &place);
    swaps
        .exec(python!("hostile/files/prepare_swaps.py"))
        .unwrap();
    let policy = Policy::new()
        .dir(place.granted("data"), "/data", Access::ReadWrite)
        .unwrap();
    let opens = lane.interpreter(policy);
    let swapper = swaps.clone();
    let thread = std::thread::spawn(move || {
        swapper.exec(python!("hostile/files/swap_a_folder_for_a_link.py"))
    });
    let seen = opens
        .eval::<Value>("(exec('''\nseen = {}\nfor n in range(3000):\n    try:\n        with open('/data/folder/canary.txt', 'r+') as file:\n            what = file.read()\n    except OSError as error:\n        what = type(error).__name__\n    seen[what] = seen.get(what, 0) + 1\n''', globals()), sorted(seen))[1]")
        .unwrap();
    opens.exec("import os; os.unlink('/data/swaps')").unwrap();
    thread.join().unwrap().unwrap();
    assert!(swaps.eval::<Value>("swapped").unwrap().as_i64() > Some(0));
    for what in seen.as_list().unwrap() {
        let what = what.as_str().unwrap();
        let known = ["inside", "PermissionError", "FileNotFoundError"];
        assert!(known.contains(&what), "{what}");
    }
    assert!(place.is_untouched());
    drop((swaps, opens));
    lane.is_as_before().unwrap();
}

/// F-14: It opens a pipe, and a pipe that replaces a file during the open.
///
/// Outcome: DENY; the script can be stopped, and no thread waits forever.
#[cfg(unix)]
#[test]
fn f_14_opening_a_pipe_in_place_of_a_file_is_denied() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let (lane, place) = (Lane::new(), Place::new("f-14"));
    let swaps = reads_and_writes(&lane, &place);
    let data = place.granted("data");
    mkfifoat(CWD, data.join("pipe"), Mode::RWXU).unwrap();
    std::fs::write(data.join("file"), "text").unwrap();
    std::fs::write(data.join("swaps"), "").unwrap();
    let policy = Policy::new().dir(&data, "/data", Access::ReadWrite);
    let opens = lane.interpreter(policy.unwrap());
    let swapper = swaps.clone();
    let thread = std::thread::spawn(move || {
        swapper.exec(python!("hostile/files/swap_a_file_for_a_pipe.py"))
    });
    opens
        .exec(python!("hostile/files/open_what_is_swapped.py"))
        .unwrap();
    thread.join().unwrap().unwrap();
    for what in opens
        .eval::<Value>("list(seen)")
        .unwrap()
        .as_list()
        .unwrap()
    {
        let what = what.as_str().unwrap();
        let known = ["text", "PermissionError", "FileNotFoundError"];
        assert!(known.contains(&what), "{what}");
    }
    drop((swaps, opens));
    lane.is_as_before().unwrap();
}

/// F-17: A directory with twenty thousand entries is listed and walked, and changed in the process.
///
/// Outcome: OK; each entry once, with limited memory.
#[test]
fn f_17_huge_directories_are_listed_completely() {
    let (lane, place) = (Lane::new(), Place::new("f-17"));
    let interpreter = reads_and_writes(&lane, &place);
    let data = place.granted("data");
    for number in 0..20_000 {
        std::fs::File::create(data.join(format!("{number}"))).unwrap();
    }
    interpreter
        .exec(python!("hostile/files/list_a_directory.py"))
        .unwrap();
    assert_eq!(
        interpreter.eval::<Value>("counts").unwrap().to_string(),
        "(20000, 20000, 20000, True)"
    );
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// F-22: A disk is full, a disk is read-only, and a quota is exhausted.
///
/// Outcome: RAISE(OSError) with the right error code.
#[cfg(target_os = "linux")]
#[test]
fn f_22_full_disks_and_quotas_raise_os_error() {
    let place = Place::new("f-22");
    let data = place.folder("data");
    let attempt = python!("hostile/files/fill_a_disk.py");
    let archipel = env!("CARGO_BIN_EXE_archipel");
    let run = |unshare: &[&str], before: String, access: &str| {
        let command = format!(
            "{before} exec '{archipel}' run --dir '{}::/data:{access}' -c \"$0\"",
            data.display()
        );
        let mut words = unshare.to_vec();
        words.extend(["sh", "-c", &command, attempt]);
        let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let quota = Policy::new()
        .dir_with_quota(&data, "/data", 64 << 10)
        .unwrap();
    let lane = Lane::new();
    let output = Output::captured(1000);
    let builder = lane.runtime.interpreter().policy(quota);
    let interpreter = builder.stdout(output.clone()).build().unwrap();
    interpreter.exec(attempt).unwrap();
    assert_eq!(output.take().text(), "EIO\ngoes on\n");
    assert_eq!(run(&[], String::new(), "ro"), "EPERM\ngoes on\n");
    drop(interpreter);
    lane.is_as_before().unwrap();

    // Some systems let every user mount a private file system.
    let own = ["unshare", "--map-root-user", "--mount"];
    let can = Command::new(own[0]).args(&own[1..]).arg("true").output();
    if can.is_ok_and(|output| output.status.success()) {
        for (options, number) in [("size=1m", "EIO"), ("size=1m,ro", "EROFS")] {
            let mount = format!("mount -t tmpfs -o {options} tmpfs '{}' &&", data.display());
            let said = run(&own, mount, "rw");
            assert_eq!(said, format!("{number}\ngoes on\n"));
        }
    }
}
