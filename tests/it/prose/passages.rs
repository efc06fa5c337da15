//! Finds the prose in a file: comments, documentation, string literals, and pages.

use std::path::Path;

/// A comment, a string literal or a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Passage {
    /// The number of its first line in the file.
    pub line: usize,
    /// True for the documentation of an item.
    pub documents: bool,
    pub text: String,
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
pub fn passages(path: &Path, text: &str) -> Vec<Passage> {
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
