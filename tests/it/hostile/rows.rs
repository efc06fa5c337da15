//! The rows of the table by number. Each has a test or a reason why it cannot apply.

/// A group of rows: the letter, the topic, and the numbers.
pub struct Group {
    pub letter: char,
    pub title: &'static str,
    pub numbers: &'static [u32],
}

pub const GROUPS: &[Group] = &[
    Group {
        letter: 'C',
        title: "CPU",
        numbers: &[
            1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 27, 28, 29,
        ],
    },
    Group {
        letter: 'M',
        title: "Memory",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18],
    },
    Group {
        letter: 'R',
        title: "Recursion and stack",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15],
    },
    Group {
        letter: 'F',
        title: "Files",
        numbers: &[
            1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26, 27, 29,
        ],
    },
    Group {
        letter: 'E',
        title: "Environment and leaks",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11],
    },
    Group {
        letter: 'O',
        title: "Output",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10],
    },
    Group {
        letter: 'P',
        title: "Messages",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15],
    },
    Group {
        letter: 'X',
        title: "Channels",
        numbers: &[
            1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25,
        ],
    },
    Group {
        letter: 'H',
        title: "Handles and numbers",
        numbers: &[1, 2, 3, 5, 6, 7, 9],
    },
    Group {
        letter: 'I',
        title: "Interpreters",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18],
    },
    Group {
        letter: 'K',
        title: "Cancellation and deadlines",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15],
    },
    Group {
        letter: 'A',
        title: "Aliases",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15],
    },
    Group {
        letter: 'S',
        title: "The process",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10],
    },
    Group {
        letter: 'G',
        title: "The guest's own runtime",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10],
    },
    Group {
        letter: 'T',
        title: "Exceptions and text",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11],
    },
    Group {
        letter: 'D',
        title: "Time and randomness",
        numbers: &[1, 2, 3, 5, 6, 7, 9],
    },
    Group {
        letter: 'N',
        title: "Network",
        numbers: &[1, 2, 3, 5],
    },
    Group {
        letter: 'Z',
        title: "The host",
        numbers: &[1, 2, 3, 5, 6, 7, 9, 10, 11],
    },
];

/// Attacks that are impossible: the row, the attack, and the reason.
pub const ABSENT: &[[&str; 3]] = &[
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

/// Returns the names of all rows, in order.
pub fn all() -> impl Iterator<Item = String> {
    let rows = |group: &'static Group| {
        let numbers = group.numbers.iter();
        numbers.map(move |number| format!("{}-{number}", group.letter))
    };
    GROUPS.iter().flat_map(rows)
}

/// Returns whether a text is the name of a row.
pub fn is_row(text: &str) -> bool {
    all().any(|row| row == text)
}
