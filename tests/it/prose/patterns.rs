//! The forbidden patterns, and their matches in a passage.

use super::passages::Passage;
use super::words::{Word, words};

/// A forbidden sequence of words.
struct Pattern {
    /// The words: `a/b` matches either word, and `*` any word.
    words: &'static str,
    /// Words that permit the match if one of them is among the two previous words.
    unless_after: &'static [&'static str],
    /// Words that permit the match if one of them is its last word or the next word.
    unless_with: &'static [&'static str],
    /// The advice in a failure.
    instead: &'static str,
    /// A sentence that contains the pattern.
    bad: &'static str,
    /// A similar sentence that does not.
    good: &'static str,
}

/// The default of optional fields.
const PATTERN: Pattern = Pattern {
    words: "",
    unless_after: &[],
    unless_with: &[],
    instead: "",
    bad: "",
    good: "",
};

/// Forbidden everywhere.
const PATTERNS: &[Pattern] = &[
    Pattern {
        words: "is/are/was/were/be/been no *",
        unless_after: &["there"],
        unless_with: &[
            "longer",
            "more",
            "less",
            "fewer",
            "larger",
            "smaller",
            "greater",
            "higher",
            "lower",
            "later",
            "earlier",
            "slower",
            "faster",
            "better",
            "worse",
            "different",
        ],
        instead: "negate the verb: \"is not a valid X\", \"has no X\"",
        bad: "The text is no name of a module.",
        good: "There is no such file, and the name is no longer in use.",
    },
    Pattern {
        words: "is/are/was/were/be/been no more",
        unless_with: &["than"],
        instead: "name the state: \"closed\", \"dropped\", \"exhausted\"",
        bad: "Ends that are no more cannot be used.",
        good: "The number of ends is no more than the limit.",
        ..PATTERN
    },
    Pattern {
        words: "is/are/was/were/be/been none",
        unless_after: &["there"],
        instead: "say what it is not, or \"is empty\"",
        bad: "It contains bytes that are none.",
        good: "The timeout is None, and waits are not started if there are none.",
        ..PATTERN
    },
    Pattern {
        words: "nobody/nobody's",
        instead: "name the actor: \"no receiver\", \"has no owner\"",
        bad: "The slot is nobody's.",
        good: "The slot has no owner, and the process runs as the user `nobody`.",
        ..PATTERN
    },
    Pattern {
        words: "whoever",
        instead: "name the actor: \"the caller\", \"a receiver\"",
        bad: "Whoever holds the end is notified.",
        good: "The holder of the end is notified.",
        ..PATTERN
    },
    Pattern {
        words: "somebody/somebody's",
        instead: "name the actor: \"another interpreter\", \"a caller\"",
        bad: "The lock is held by somebody else.",
        good: "Another thread holds the lock.",
        ..PATTERN
    },
    Pattern {
        words: "besides",
        instead: "\"also\", \"in addition to\", \"except\", or leave it out",
        bad: "It takes some memory besides.",
        good: "It runs beside the workers and takes additional memory.",
        ..PATTERN
    },
    Pattern {
        words: "meanwhile",
        instead: "\"concurrently\", \"during the call\", or leave it out",
        bad: "The guest stands still meanwhile.",
        good: "The guest stands still during the call.",
        ..PATTERN
    },
    Pattern {
        words: "anew",
        instead: "\"again\", \"retry\", \"rebuild\"",
        bad: "The guest is made anew.",
        good: "The guest is a new one.",
        ..PATTERN
    },
    Pattern {
        words: "at the most",
        unless_with: &["recent", "common"],
        instead: "\"at most\"",
        bad: "It waits a second at the most.",
        good: "It waits a second at most, and looks at the most recent entry.",
        ..PATTERN
    },
    Pattern {
        words: "in any case",
        instead: "leave it out",
        bad: "The interpreter is dropped in any case.",
        good: "The interpreter is dropped in all cases.",
        ..PATTERN
    },
    Pattern {
        words: "as it were",
        instead: "leave it out",
        bad: "The message is, as it were, on its way.",
        good: "The message is as it was, and the others as they were.",
        ..PATTERN
    },
    Pattern {
        words: "of its own making",
        instead: "\"its own\", \"generated\"",
        bad: "It runs bytecode of its own making.",
        good: "It runs its own bytecode.",
        ..PATTERN
    },
];

/// Forbidden at the beginning of an item's documentation.
const OPENINGS: &[Pattern] = &[Pattern {
    words: "what/whether/how/who/whose/where/why/those/whoever",
    instead: "begin with a verb in the third person or a noun phrase",
    bad: "Whether the channel is closed.",
    good: "Returns whether the channel is closed.",
    ..PATTERN
}];

impl Pattern {
    /// Returns whether the pattern matches the words at index `at`.
    fn matches(&self, words: &[Word], at: usize) -> bool {
        let wanted: Vec<&str> = self.words.split(' ').collect();
        let end = at + wanted.len();
        let Some(found) = words.get(at..end) else {
            return false;
        };
        let Some((last, others)) = found.split_last() else {
            return false;
        };
        let same = wanted
            .iter()
            .zip(found)
            .all(|(wanted, word)| word.is(wanted));
        let before = &words[at.saturating_sub(2)..at];
        let next = words.get(end).filter(|_| !last.ends);
        let has = |words: &[&str], word: &Word| words.contains(&word.text.as_str());
        same && others.iter().all(|word| !word.ends)
            && !before.iter().any(|word| has(self.unless_after, word))
            && !has(self.unless_with, last)
            && !next.is_some_and(|next| has(self.unless_with, next))
    }

    /// Returns the number of words that the pattern matches.
    fn length(&self) -> usize {
        self.words.split(' ').count()
    }
}

/// Returns the matches in a passage: line numbers, and descriptions with advice.
pub fn matches(passage: &Passage) -> Vec<(usize, String)> {
    let words = words(&passage.text);
    let mut found = Vec::new();
    for at in 0..words.len() {
        let openings = OPENINGS.iter().filter(|_| at == 0 && passage.documents);
        for pattern in PATTERNS.iter().chain(openings) {
            if pattern.matches(&words, at) {
                let matched: Vec<&str> = words[at..at + pattern.length()]
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect();
                let text = format!("\"{}\" ({})", matched.join(" "), pattern.instead);
                found.push((passage.line + words[at].line, text));
            }
        }
    }
    found
}

#[test]
fn each_pattern_matches_its_bad_sentence_only() {
    for (patterns, documents) in [(PATTERNS, false), (OPENINGS, true)] {
        for pattern in patterns {
            let found = |text: &str| {
                let text = text.to_owned();
                matches(&Passage {
                    line: 7,
                    documents,
                    text,
                })
            };
            let bad = found(pattern.bad);
            assert_eq!(bad.len(), 1, "{:?}: {bad:?}", pattern.bad);
            assert_eq!(bad[0].0, 7);
            assert!(bad[0].1.contains(pattern.instead), "{bad:?}");
            let good = found(pattern.good);
            assert!(good.is_empty(), "{:?}: {good:?}", pattern.good);
        }
    }
}

#[test]
fn matches_cross_lines_but_not_sentences_or_code() {
    let rows: [(&str, &[usize]); 10] = [
        ("one\nthis is no\nfile", &[2]),
        ("this is\nno `File`", &[1]),
        ("as it is. No file is opened", &[]),
        ("it is (no joke) `x`", &[]),
        ("the values `is no x` and `nobody`", &[]),
        ("the span `is no\nx` ends\nnobody", &[3]),
        ("text\n```\nnobody\n```\nnobody", &[5]),
        ("| is | no | x |", &[]),
        ("an unpaired ` here\n\nnobody", &[3]),
        ("Nobody, and somebody's", &[1, 1]),
    ];
    for (text, expected) in rows {
        let text = text.to_owned();
        let found = matches(&Passage {
            line: 1,
            documents: false,
            text,
        });
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, expected, "{found:?}");
    }
}
