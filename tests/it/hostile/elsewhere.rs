//! Rows of the table that are shown by tests elsewhere, and those that cannot apply.

use super::table::Entry;

/// A test elsewhere: the row, the attack, the outcome, the file and the name of the test.
const TESTS: &[[&str; 5]] = &[
    [
        "M-14",
        "A guest asks for more memory or larger tables than it may have from the start: it is always the same guest, so only the limit can be too small.",
        "a typed error, and the place is free again",
        "tests/it/host.rs",
        "a_limit_too_small_to_start",
    ],
    [
        "F-14",
        "It opens pipes, sockets and what leads to them.",
        "DENY",
        "tests/it/policy.rs",
        "pipes_sockets_and_devices_are_not_opened",
    ],
    [
        "E-9",
        "It looks for the build's environment, random state and paths in the snapshot.",
        "OK",
        "tests/it/fresh.rs",
        "nothing_of_the_build_is_in_the_snapshot",
    ],
    [
        "E-9",
        "It looks for entropy that it shares with others from the snapshot.",
        "OK",
        "tests/it/fresh.rs",
        "entropy_is_each_interpreters_own",
    ],
    [
        "X-19",
        "Many wait in one line.",
        "OK, in the order in which they came",
        "host/broker/tests.rs",
        "select_chooses_among_ready_cases_evenly",
    ],
    [
        "X-21",
        "Many wait for what one wakes.",
        "only those that can go on are woken",
        "host/broker/tests.rs",
        "only_waiters_with_results_are_woken",
    ],
    [
        "X-17",
        "A wait is given up after a message was assigned to it.",
        "the message goes back to where it was",
        "host/broker/tests.rs",
        "abandoned_results_return_to_the_queue_in_order",
    ],
    [
        "K-1",
        "It is stopped in loops, in builtins, in a regular expression.",
        "CANCELLED",
        "tests/it/governing.rs",
        "whatever_runs_can_be_stopped",
    ],
    [
        "K-2",
        "It is stopped while it receives, sends and selects.",
        "CANCELLED",
        "tests/it/governing.rs",
        "whatever_runs_can_be_stopped",
    ],
    [
        "K-3",
        "It is stopped while it sleeps.",
        "CANCELLED",
        "tests/it/governing.rs",
        "whatever_runs_can_be_stopped",
    ],
    [
        "K-10",
        "One of many that compute is stopped.",
        "CANCELLED, and the others go on",
        "tests/it/governing.rs",
        "one_of_many_is_stopped_at_once",
    ],
    [
        "K-11",
        "The host drops the future of a call.",
        "CANCELLED",
        "tests/it/embedding.rs",
        "a_future_that_is_dropped_stops_the_interpreter",
    ],
    [
        "A-5",
        "A function of the host's calls the interpreter that called it.",
        "a typed error: it is running",
        "tests/it/aliases.rs",
        "an_alias_uses_interpreters",
    ],
    [
        "A-6",
        "Arguments of the wrong number, type and size.",
        "RAISE(AliasError) before anything is called",
        "tests/it/aliases.rs",
        "calls",
    ],
    [
        "D-5",
        "Two runs with one seed and a clock that stands still are compared.",
        "OK, the same",
        "tests/it/policy.rs",
        "a_seeded_run_with_a_standing_clock_is_the_same_each_time",
    ],
    [
        "N-2",
        "It connects to what was granted by other names and spellings, and to what was not.",
        "DENY",
        "tests/it/policy.rs",
        "connections_as_granted",
    ],
    [
        "N-3",
        "A granted name stands for an address of this machine or of its neighbours.",
        "DENY, and the address that was found is the one that is connected to",
        "host/policy/net.rs",
        "names_do_not_give_access_to_private_addresses",
    ],
    [
        "Z-2",
        "The system gives away little memory.",
        "OK or a typed error; an allocation of the host's own that is refused ends the process, as everywhere in Rust",
        "tests/it/cli.rs",
        "little_address_space",
    ],
    [
        "Z-5",
        "The compiled guest in the cache is damaged, or another's.",
        "it is found by its hash before it is used, and made anew",
        "tests/it/cache.rs",
        "damage_is_found_and_said_once",
    ],
    [
        "Z-5",
        "The cache can be written to by others.",
        "it is not used",
        "host/cache.rs",
        "a_folder_open_to_others_is_refused",
    ],
    [
        "Z-10",
        "The guest is damaged, or of another world.",
        "a typed error that names it",
        "tests/it/cache.rs",
        "a_guest_that_cannot_be_read",
    ],
];

/// What cannot happen here: the row, the attack, and why it cannot.
const ABSENT: &[[&str; 3]] = &[
    [
        "R-11",
        "The C stack of the guest grows into its data.",
        "the guest is linked by its makers; WebAssembly's own stack, which the host bounds, is used up before, as R-2, R-5 and R-7 show",
    ],
    [
        "K-14",
        "The clock of the system jumps, or the machine sleeps.",
        "all limits are counted on the monotonic clock, which no test can make jump",
    ],
];

/// The entries of the table for these.
pub fn entries() -> Vec<Entry> {
    let tests = TESTS.iter().map(|[row, attack, outcome, file, test]| {
        let text = std::fs::read_to_string(crate::root().join(file)).unwrap();
        let defined = format!("fn {test}()");
        assert!(text.contains(&defined), "{row}: {file} has no {test}");
        Entry {
            row: (*row).to_owned(),
            attack: (*attack).to_owned(),
            outcome: (*outcome).to_owned(),
            test: format!("`{test}` in [{file}](../{file})"),
        }
    });
    let absent = ABSENT.iter().map(|[row, attack, why]| Entry {
        row: (*row).to_owned(),
        attack: (*attack).to_owned(),
        outcome: "cannot happen".to_owned(),
        test: (*why).to_owned(),
    });
    tests.chain(absent).collect()
}
