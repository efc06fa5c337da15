//! Checks the prose of the project for openings with a question word, negated nouns and filler words.
//!
//! It reads documentation, comments, docstrings and string literals, and ignores code in backticks and fences.

use crate::root;
use std::path::{Path, PathBuf};

/// The files and folders to check.
const ROOTS: [&str; 12] = [
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "docs",
    "fuzz/README.md",
    "guest/README.md",
    "guest/python",
    "guest/src",
    "host",
    "benches",
    "tests/it",
    "wit",
];

/// A page that is generated from texts that are checked themselves.
const GENERATED: &str = "docs/security-cases.md";

/// Permitted matches: the file, a part of the line, and the reason.
const ALLOWED: &[[&str; 3]] = &[[
    "tests/it/prose.rs",
    "",
    "the patterns and their examples contain the forbidden words",
]];

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

/// A comment, a string literal or a page.
#[derive(Debug, PartialEq, Eq)]
struct Passage {
    /// The number of its first line in the file.
    line: usize,
    /// True for the documentation of an item.
    documents: bool,
    text: String,
}

/// A word of a passage.
struct Word {
    /// The number of its line in the passage, from zero.
    line: usize,
    /// The word in lower case, without punctuation. Code is replaced by [`CODE`].
    text: String,
    /// True if punctuation separates it from the next word.
    ends: bool,
}

/// The text of a word that stands for code.
const CODE: &str = "`";

impl Word {
    /// Returns whether a word of a pattern matches.
    fn is(&self, wanted: &str) -> bool {
        wanted == "*" || wanted.split('/').any(|wanted| wanted == self.text)
    }
}

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

/// Splits a passage into words, without fenced code.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut is_fenced, mut is_code) = (false, false);
    for (line, content) in text.split('\n').enumerate() {
        if content.trim_start().starts_with("```") {
            (is_fenced, is_code) = (!is_fenced, false);
            continue;
        }
        if is_fenced {
            continue;
        }
        // A span of code does not extend beyond its paragraph.
        is_code &= !content.trim().is_empty();
        for (number, part) in content.split('`').enumerate() {
            if number > 0 {
                is_code = !is_code;
            }
            if is_code {
                if number > 0 {
                    let text = CODE.to_owned();
                    words.push(Word {
                        line,
                        text,
                        ends: false,
                    });
                }
                continue;
            }
            for written in part.split_whitespace() {
                let text = written.trim_matches(|c: char| !c.is_alphanumeric());
                if let Some(last) = words.last_mut() {
                    last.ends |= text.is_empty() || written.starts_with('(');
                }
                if text.is_empty() {
                    continue;
                }
                // Python's constant is not the word.
                let text = match text {
                    "None" => text.to_owned(),
                    _ => text.to_lowercase(),
                };
                words.push(Word {
                    line,
                    text,
                    ends: written.ends_with(['.', ',', ';', ':', '!', '?', ')']),
                });
            }
        }
    }
    words
}

/// Returns the matches in a passage: line numbers, and descriptions with advice.
fn matches(passage: &Passage) -> Vec<(usize, String)> {
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

/// Collects passages. Consecutive line comments with the same marker are one passage.
#[derive(Default)]
struct Reader {
    passages: Vec<Passage>,
    /// The marker and the last line of the last passage, if it is a comment.
    comment: Option<(&'static str, usize)>,
}

impl Reader {
    fn add_comment(&mut self, line: usize, marker: &'static str, documents: bool, text: &str) {
        let continues = self.comment.replace((marker, line)) == Some((marker, line - 1));
        match self.passages.last_mut().filter(|_| continues) {
            Some(last) => {
                last.text.push('\n');
                last.text.push_str(text);
            }
            None => self.add(line, documents, text.to_owned()),
        }
    }

    fn add_string(&mut self, line: usize, documents: bool, content: &str) {
        self.comment = None;
        let text = content.replace("\\n", "  ").replace("\\\n", " \n");
        self.add(line, documents, text);
    }

    fn add(&mut self, line: usize, documents: bool, text: String) {
        self.passages.push(Passage {
            line,
            documents,
            text,
        });
    }
}

/// Returns the length of a text up to `quote`, skipping escaped characters.
fn until(text: &str, quote: &str) -> usize {
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if text[at..].starts_with(quote) {
            break;
        }
        at += first.len_utf8();
        if first == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    at
}

/// Returns the content and the total length of the Rust string literal at the beginning of `text`, if there is one.
fn rust_string(text: &str) -> Option<(&str, usize)> {
    let unprefixed = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let raw = unprefixed.strip_prefix('r');
    let unprefixed = raw.unwrap_or(unprefixed);
    let hashes = unprefixed.bytes().take_while(|byte| *byte == b'#').count();
    let content = unprefixed[hashes..].strip_prefix('"')?;
    let length = match raw {
        Some(_) => content.find(&format!("\"{}", "#".repeat(hashes)))?,
        None if hashes == 0 => until(content, "\""),
        None => return None,
    };
    let begin = text.len() - content.len();
    let total = (begin + length + 1 + hashes).min(text.len());
    Some((&content[..length], total))
}

/// Returns the length of the character literal at the beginning of `text`, or 1 for a lifetime.
fn rust_character(text: &str) -> usize {
    let mut characters = text.chars().skip(1);
    match (characters.next(), characters.next()) {
        (Some('\\'), Some(escaped)) => {
            let begin = 2 + escaped.len_utf8();
            let rest = text[begin..].find('\'');
            rest.map_or(begin, |rest| begin + rest + 1)
        }
        (Some(character), Some('\'')) => 2 + character.len_utf8(),
        _ => 1,
    }
}

/// Returns the line comments and the string literals of a file in Rust or WIT.
fn of_rust(source: &str) -> Vec<Passage> {
    let mut reader = Reader::default();
    let (mut at, mut line) = (0, 1);
    let mut previous = ' ';
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let is_inside_name = previous.is_alphanumeric() || previous == '_';
        let length = if rest.starts_with("//") {
            let comment = &rest[..rest.find('\n').unwrap_or(rest.len())];
            let marker = ["///", "//!"]
                .into_iter()
                .find(|marker| comment.starts_with(marker));
            let (marker, documents) = marker.map_or(("//", false), |marker| (marker, true));
            reader.add_comment(line, marker, documents, &comment[marker.len()..]);
            comment.len()
        } else if let Some((content, length)) = rust_string(rest).filter(|_| !is_inside_name) {
            reader.add_string(line, false, content);
            length
        } else if first == '\'' {
            rust_character(rest)
        } else {
            first.len_utf8()
        };
        let token = &rest[..length];
        line += token.matches('\n').count();
        previous = token.chars().next_back().unwrap_or(' ');
        at += length;
    }
    reader.passages
}

/// Returns the comments and the strings of a file in Python. A string in triple quotes at the beginning of a line is a
/// docstring.
fn of_python(source: &str) -> Vec<Passage> {
    let mut reader = Reader::default();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let quote = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quote| rest.starts_with(quote));
        let length = if first == '#' {
            let comment = &rest[..rest.find('\n').unwrap_or(rest.len())];
            reader.add_comment(line, "#", false, &comment[1..]);
            comment.len()
        } else if let Some(quote) = quote {
            let content = &rest[quote.len()..];
            let content = &content[..until(content, quote)];
            let before = source[..at].rsplit('\n').next().unwrap_or_default();
            let documents = quote.len() == 3 && before.trim().is_empty();
            reader.add_string(line, documents, content);
            (content.len() + 2 * quote.len()).min(rest.len())
        } else {
            first.len_utf8()
        };
        line += rest[..length].matches('\n').count();
        at += length;
    }
    reader.passages
}

/// Returns the passages of a file by the kind of its name.
fn passages(path: &Path, text: &str) -> Vec<Passage> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs" | "wit") => of_rust(text),
        Some("py") => of_python(text),
        Some("md") => vec![Passage {
            line: 1,
            documents: false,
            text: text.to_owned(),
        }],
        _ => Vec::new(),
    }
}

/// Adds the files at and below `path`, in order.
fn walk(path: PathBuf, found: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        return found.push(path);
    }
    let entries = std::fs::read_dir(&path).unwrap();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        walk(entry, found);
    }
}

#[test]
fn the_prose_has_no_forbidden_patterns() {
    let mut files = Vec::new();
    for path in ROOTS {
        walk(root().join(path), &mut files);
    }
    let mut used = vec![false; ALLOWED.len()];
    let mut wrong = Vec::new();
    let mut read = 0;
    for path in files {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        if name == GENERATED {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        let passages = passages(&path, &text);
        read += passages.len();
        for (line, found) in passages.iter().flat_map(matches) {
            let allowed = ALLOWED
                .iter()
                .position(|[file, part, _]| *file == name && lines[line - 1].contains(part));
            match allowed {
                Some(entry) => used[entry] = true,
                None => wrong.push(format!("{name}:{line}: {found}")),
            }
        }
    }
    assert!(read > 1000, "only {read} passages were read");
    assert!(
        wrong.is_empty(),
        "{} forbidden patterns:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for (entry, used) in ALLOWED.iter().zip(used) {
        assert!(used, "remove the unused entry {entry:?}");
    }
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

#[test]
fn passages_are_comments_and_strings() {
    let rust = "//! One\n//! two.\n\n/// Three\nfn f<'a>(x: &'a str) -> char {\n    \
                let y = \"four // \\\" \\\n    five\"; // six\n    // seven\n    r#\"eight \" nine\"#; '\"'\n}\n//// ten";
    let python = "\"\"\"One\ntwo.\"\"\"\n# three\n# four\nx = 'five # \\' six'  # seven\ny = f(\"\"\"eight\"\"\")\n";
    let wit = "interface x {\n    /// One.\n    f: func();\n}\n";
    /// A file name, its text, and what it yields.
    type Row = (
        &'static str,
        &'static str,
        &'static [(usize, bool, &'static str)],
    );
    let rows: [Row; 4] = [
        (
            "a.rs",
            rust,
            &[
                (1, true, " One\n two."),
                (4, true, " Three"),
                (6, false, "four // \\\"  \n    five"),
                (7, false, " six\n seven"),
                (9, false, "eight \" nine"),
                (11, true, "/ ten"),
            ],
        ),
        (
            "a.py",
            python,
            &[
                (1, true, "One\ntwo."),
                (3, false, " three\n four"),
                (5, false, "five # \\' six"),
                (5, false, " seven"),
                (6, false, "eight"),
            ],
        ),
        ("a.wit", wit, &[(2, true, " One.")]),
        ("a.md", "# One\n", &[(1, false, "# One\n")]),
    ];
    for (name, source, expected) in rows {
        let found = passages(Path::new(name), source);
        let found: Vec<(usize, bool, &str)> = found
            .iter()
            .map(|passage| (passage.line, passage.documents, passage.text.as_str()))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}
