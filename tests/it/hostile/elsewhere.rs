//! Rows of the table that are covered by tests elsewhere, and rows that cannot apply.

use super::table::Entry;

/// Tests elsewhere: the row, the attack, the outcome, the file and the name of the test.
const TESTS: &[[&str; 5]] = &[
    [
        "M-14",
        "A guest needs more initial memory or larger tables than its limits allow: the guest is always the same, so only the limit can be too small.",
        "a typed error, and the slot is free again",
        "tests/it/host.rs",
        "a_memory_limit_too_small_to_start_is_a_typed_error",
    ],
    [
        "F-14",
        "It opens pipes, sockets, devices, and links to them.",
        "DENY",
        "tests/it/policy.rs",
        "pipes_sockets_and_devices_are_not_opened",
    ],
    [
        "E-9",
        "It searches the snapshot for the environment, random state and paths of the build.",
        "OK",
        "tests/it/fresh.rs",
        "the_snapshot_contains_no_paths_of_the_build",
    ],
    [
        "E-9",
        "It searches the snapshot for entropy that all interpreters would share.",
        "OK",
        "tests/it/fresh.rs",
        "each_interpreter_has_its_own_entropy",
    ],
    [
        "X-19",
        "Many parties wait for one channel.",
        "OK, in order of arrival",
        "host/core/broker/tests.rs",
        "a_large_waiting_message_is_not_overtaken_unless_abandoned",
    ],
    [
        "X-21",
        "Many parties wait, and a message wakes one of them.",
        "only parties that can continue are woken",
        "host/core/broker/tests.rs",
        "only_waiters_with_results_are_woken",
    ],
    [
        "X-17",
        "A wait is abandoned after a message was assigned to it.",
        "the message returns to its place",
        "host/core/broker/tests.rs",
        "abandoned_results_return_to_the_queue_in_order",
    ],
    [
        "K-1",
        "It is stopped in loops, in builtins, in a regular expression.",
        "CANCELLED",
        "tests/it/governing.rs",
        "kill_and_cancel_stop_every_script",
    ],
    [
        "K-2",
        "It is stopped while it receives, sends and selects.",
        "CANCELLED",
        "tests/it/governing.rs",
        "kill_and_cancel_stop_every_script",
    ],
    [
        "K-3",
        "It is stopped while it sleeps.",
        "CANCELLED",
        "tests/it/governing.rs",
        "kill_and_cancel_stop_every_script",
    ],
    [
        "K-10",
        "One of many computing interpreters is stopped.",
        "CANCELLED, and the others continue",
        "tests/it/governing.rs",
        "kill_stops_one_of_many_computing_interpreters",
    ],
    [
        "K-11",
        "The host drops the future of a call.",
        "CANCELLED",
        "tests/it/embedding.rs",
        "dropping_the_future_of_a_call_stops_the_interpreter",
    ],
    [
        "A-5",
        "A host function calls the interpreter that called it.",
        "a typed error: the interpreter is running",
        "tests/it/aliases.rs",
        "an_alias_can_run_another_interpreter_but_not_its_own",
    ],
    [
        "A-6",
        "It passes arguments of the wrong number, type and size.",
        "RAISE(AliasError) before the function is called",
        "tests/it/aliases.rs",
        "calls_return_values_or_raise",
    ],
    [
        "D-5",
        "Two runs with the same seed and a frozen clock are compared.",
        "OK, identical",
        "tests/it/policy.rs",
        "runs_with_equal_seeds_and_frozen_clocks_are_identical",
    ],
    [
        "N-2",
        "It connects to granted destinations under other names and spellings, and to others.",
        "DENY",
        "tests/it/policy.rs",
        "only_granted_addresses_can_be_connected",
    ],
    [
        "N-3",
        "A granted name resolves to an address of this machine or its local network.",
        "DENY, and a connection uses the address that was checked",
        "host/core/policy/net.rs",
        "names_do_not_give_access_to_private_addresses",
    ],
    [
        "Z-2",
        "The system provides little memory.",
        "OK or a typed error; a failed allocation in the host itself aborts the process, as in any Rust program",
        "tests/it/cli.rs",
        "little_address_space_changes_no_result",
    ],
    [
        "Z-5",
        "The compiled guest in the cache is damaged or was replaced.",
        "its hash reveals this before it is used, and it is rebuilt",
        "tests/it/cache.rs",
        "a_damaged_compiled_guest_is_rebuilt_and_reported_once",
    ],
    [
        "Z-5",
        "Other users can write to the cache.",
        "the cache is not used",
        "host/engine/cache.rs",
        "a_folder_open_to_others_is_refused",
    ],
    [
        "Z-10",
        "The guest is damaged, or has another world.",
        "a typed error that names it",
        "tests/it/cache.rs",
        "an_unreadable_or_wrong_guest_is_a_typed_error",
    ],
];

/// Attacks that are impossible: the row, the attack, and the reason.
const ABSENT: &[[&str; 3]] = &[
    [
        "R-11",
        "The guest's C stack overflows into its data.",
        "guest code cannot change how the guest is linked; WebAssembly's own stack, which the host bounds, overflows first, as R-2, R-5 and R-7 show",
    ],
    [
        "K-14",
        "The system clock jumps, or the machine sleeps.",
        "all limits use the monotonic clock, which a test cannot make jump",
    ],
];

/// Returns the table entries of these rows.
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
