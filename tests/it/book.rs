//! The samples and the links of the book in `docs/`, of `README.md` and of `CONTRIBUTING.md`.
//!
//! The info string of a fenced block says how its sample is tested:
//!
//! - `python`: it runs as a script and prints exactly the `text` block that follows it, or nothing without one.
//! - `console`: a command `$ archipel ...` with output runs in the project's root and prints that output. Without
//!   output, its subcommand and its options must exist. Other commands are not run.
//! - `py`: a host program in Python, which the tests of the Python package run.
//! - `rust`: its lines are consecutive lines of a program in `examples/` or of [`samples`], comments aside.
//!
//! In expected output, `...` matches any text. With `,ignore` appended to the info string a sample is not tested; the
//! line above the block is then an HTML comment with the reason.

mod samples;

use crate::cli::{archipel, text};
use crate::{root, runtime};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A page, by its path in the project.
struct Page {
    name: String,
    text: String,
}

/// A fenced block.
struct Block {
    /// The page and the line of the opening fence.
    place: String,
    /// The line of the opening fence, counted from 0.
    first: usize,
    /// The line of the closing fence.
    last: usize,
    info: String,
    text: String,
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files in a folder of the project, and in folders there, whose names end in `ending`.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn pages() -> Vec<Page> {
    let mut paths = files(&root().join("docs"), ".md");
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "ARCHITECTURE.md",
        "guest/README.md",
    ] {
        paths.push(root().join(name));
    }
    paths
        .iter()
        .map(|path| Page {
            name: path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .into_owned(),
            text: read(path),
        })
        .collect()
}

fn blocks(page: &Page) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.text.lines().enumerate() {
        match open.take() {
            None => {
                if let Some(info) = line.strip_prefix("```") {
                    open = Some(Block {
                        place: format!("{}:{}", page.name, number + 1),
                        first: number,
                        last: number,
                        info: info.to_owned(),
                        text: String::new(),
                    });
                }
            }
            Some(mut block) if line == "```" => {
                block.last = number;
                found.push(block);
            }
            Some(mut block) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
        }
    }
    assert!(open.is_none(), "{}: a block has no end", page.name);
    found
}

/// Returns whether `out` is `pattern`, in which `...` stands for any text.
fn matches(pattern: &str, out: &str) -> bool {
    let parts: Vec<&str> = pattern.split("...").collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    if parts.len() == 1 {
        return pattern == out;
    }
    let Some(rest) = out.strip_prefix(first) else {
        return false;
    };
    let Some(mut rest) = rest.strip_suffix(last) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[test]
fn three_dots_match_any_text() {
    for (pattern, out, expected) in [
        ("a\n", "a\n", true),
        ("a\n", "b\n", false),
        ("a...\n", "abc\n", true),
        ("a...c...\n", "abcd\n", true),
        ("a...x...\n", "abcd\n", false),
        ("ab...ba", "aba", false),
        ("...", "", true),
    ] {
        assert_eq!(matches(pattern, out), expected, "{pattern:?} {out:?}");
    }
}

#[test]
fn python_samples_print_what_the_book_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for page in pages() {
        let blocks = blocks(&page);
        for (index, block) in blocks.iter().enumerate() {
            if block.info != "python" {
                continue;
            }
            count += 1;
            let output = blocks
                .get(index + 1)
                .filter(|next| next.info == "text" && next.first == block.last + 2);
            let expected = output.map_or("", |next| next.text.as_str());
            let result = archipel(&["run", "-"], &block.text);
            let (out, err) = (text(&result.stdout), text(&result.stderr));
            if !result.status.success() || !err.is_empty() || !matches(expected, &out) {
                failures.push(format!(
                    "{}: {}\nexpected:\n{expected}stdout:\n{out}stderr:\n{err}",
                    block.place, result.status
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 10, "{count}");
}

/// The commands of a `console` block, each with its output.
fn commands(block: &Block) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in block.text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            found.push((command.to_owned(), String::new()));
        } else if let Some((_, output)) = found.last_mut() {
            output.push_str(line);
            output.push('\n');
        } else {
            panic!("{}: the first line is not a command", block.place);
        }
    }
    found
}

/// The output of `command` in a shell that finds the `archipel` of this build.
fn shell(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_archipel"));
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = program.parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{folder}:{path}"))
        .current_dir(root())
        .output()
        .unwrap();
    text(&output.stdout)
}

/// Returns what `command` uses that `archipel` does not have.
fn unknown_words(command: &str) -> Vec<String> {
    let command = command.split(" #").next().unwrap_or_default();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    // These have subcommands of their own.
    let depth = match words.first() {
        Some(&("guest" | "image" | "package")) => 2,
        _ => 1,
    };
    let (subcommand, words) = words.split_at(depth.min(words.len()));
    let output = archipel(&[subcommand, &["--help"]].concat(), "");
    if !output.status.success() {
        return vec![subcommand.join(" ")];
    }
    let help = text(&output.stdout);
    words
        .iter()
        .copied()
        // The arguments after the script belong to the script.
        .take_while(|word| !word.ends_with(".py") && !["-c", "-m", "-", ":::"].contains(word))
        .filter(|word| word.starts_with("--") && !help.contains(word))
        .map(str::to_owned)
        .collect()
}

#[test]
#[cfg(unix)]
fn console_samples_print_what_the_book_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for page in pages() {
        for block in blocks(&page) {
            if block.info != "console" {
                continue;
            }
            for (command, expected) in commands(&block) {
                let is_ours = command.starts_with("archipel ") || command.contains("| archipel ");
                if !is_ours {
                    continue;
                }
                if expected.is_empty() {
                    let unknown = unknown_words(command.rsplit("| ").next().unwrap_or_default());
                    if !unknown.is_empty() {
                        failures.push(format!("{}: {command}: {unknown:?}", block.place));
                    }
                    continue;
                }
                count += 1;
                let out = shell(&command);
                if !matches(&expected, &out) {
                    failures.push(format!(
                        "{}: {command}\nexpected:\n{expected}stdout:\n{out}",
                        block.place
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 5, "{count}");
}

/// The lines of Rust code without indentation, empty lines and comments, each between two line ends.
fn code(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .collect();
    format!("\n{}\n", lines.join("\n"))
}

#[test]
fn rust_samples_are_parts_of_tested_programs() {
    let mut programs = files(&root().join("examples"), ".rs");
    programs.push(root().join("tests/it/book/samples.rs"));
    let programs: Vec<String> = programs.iter().map(|path| code(&read(path))).collect();
    let mut missing = Vec::new();
    let mut count = 0;
    for page in pages() {
        for block in blocks(&page) {
            if block.info != "rust" {
                continue;
            }
            count += 1;
            let sample = code(&block.text);
            if !programs.iter().any(|program| program.contains(&sample)) {
                missing.push(block.place);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "in no example and not in tests/it/book/samples.rs: {missing:?}"
    );
    assert!(count > 10, "{count}");
}

#[test]
fn rust_samples_run() {
    samples::first_host().unwrap();
    samples::first_call().unwrap();
    let small = samples::settings_of_a_runtime().unwrap();
    small.interpreter().build().unwrap().exec("pass").unwrap();
    for given in samples::given_guests() {
        let error = given.unwrap_err().to_string();
        assert!(
            error.starts_with("the guest cannot be prepared: "),
            "{error}"
        );
    }
    let settings = BTreeMap::from([("colour".to_owned(), "green".to_owned())]);
    let plugin = samples::plugin(runtime(), settings).unwrap();
    assert_eq!(
        plugin.eval::<String>("settings.get('colour')").unwrap(),
        "green"
    );
    assert!(
        plugin
            .eval::<archipel::Value>("settings.get('size')")
            .is_err()
    );
    let folder = crate::cli::folder("book");
    for name in ["packages", "wheels"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    let _ = samples::packages(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    // The first sample's file does not exist, and building an image takes long.
    assert!(samples::two_images(runtime()).is_err());
    let _: fn() -> samples::Result<archipel::Image> = samples::built_image;
    samples::asynchronous(runtime()).unwrap();
    samples::errors(runtime()).unwrap();
}

#[test]
fn ignored_samples_have_a_reason() {
    for page in pages() {
        let lines: Vec<&str> = page.text.lines().collect();
        for block in blocks(&page) {
            let Some((_, mark)) = block.info.split_once(',') else {
                continue;
            };
            assert_eq!(mark, "ignore", "{}", block.place);
            let above = lines[..block.first].last().copied().unwrap_or_default();
            assert!(
                above.starts_with("<!-- ") && above.ends_with(" -->"),
                "{}: a comment with the reason is missing above",
                block.place
            );
        }
    }
}

/// The prose of a page: its lines outside of blocks.
fn prose(page: &Page) -> String {
    let blocks = blocks(page);
    let lines = page.text.lines().enumerate();
    let outside = lines.filter(|(number, _)| {
        let inside = |block: &Block| block.first <= *number && *number <= block.last;
        !blocks.iter().any(inside)
    });
    let outside: Vec<&str> = outside.map(|(_, line)| line).collect();
    outside.join("\n")
}

/// The targets of the links in a text: `[...](TARGET)` and `[...]: TARGET`.
fn links(prose: &str) -> Vec<String> {
    let inline = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let defined = prose.lines().filter_map(|line| {
        let (name, target) = line.split_once("]: ")?;
        name.starts_with('[').then_some(target)
    });
    inline.chain(defined).map(str::to_owned).collect()
}

/// The anchors of the headings in a text.
fn anchors(prose: &str) -> Vec<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            });
            kept.collect::<String>()
        })
        .collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let pages = pages();
    let headings: BTreeMap<PathBuf, Vec<String>> = pages
        .iter()
        .map(|page| (root().join(&page.name), anchors(&prose(page))))
        .collect();
    let mut broken = Vec::new();
    for page in &pages {
        let own = root().join(&page.name);
        let folder = own.parent().unwrap();
        for link in links(&prose(page)) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let target = match path {
                "" => own.clone(),
                path => folder.join(path),
            };
            let known = match anchor {
                "" => true,
                anchor => headings
                    .get(&target)
                    .is_some_and(|found| found.iter().any(|heading| heading == anchor)),
            };
            if !target.exists() || !known {
                broken.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_summary_lists_every_page() {
    let folder = root().join("docs");
    let listed = links(&read(&folder.join("SUMMARY.md")));
    for path in files(&folder, ".md") {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy();
        assert!(
            name == "SUMMARY.md" || listed.iter().any(|link| *link == name),
            "{name} is not in docs/SUMMARY.md"
        );
    }
}

/// The pages that include a file of the project's root name one that is there, with the part that they ask for.
#[test]
fn included_files_exist() {
    for page in pages() {
        for include in page.text.split("{{#include ").skip(1) {
            let target = include.split("}}").next().unwrap_or_default();
            let (path, part) = target.split_once(':').unwrap_or((target, ""));
            let text = read(&root().join(&page.name).parent().unwrap().join(path));
            assert!(
                part.is_empty() || text.contains(&format!("<!-- ANCHOR: {part} -->")),
                "{}: {target}",
                page.name
            );
        }
    }
}

/// Prints the public names of the modules that Archipel adds to Python, and of the members of their classes.
const PUBLIC_NAMES: &str = "
import archipel, interpreters
print(*archipel.__all__, *interpreters.__all__)
for cls in (archipel.Interpreter, archipel.Task, interpreters.Interpreter):
    print(*(name for name in dir(cls) if not name.startswith('_')))
for cls in (interpreters.RecvChannel, interpreters.SendChannel):
    print(*(name for name in dir(cls) if not name.startswith('_')))
";

#[test]
fn the_python_reference_has_every_public_name() {
    let reference = read(&root().join("docs/python-api.md"));
    let output = archipel(&["run", "-"], PUBLIC_NAMES);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let names = text(&output.stdout);
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = reference.split(|c: char| !is_part(c)).collect();
    let missing: Vec<&str> = names
        .split_whitespace()
        .filter(|name| !words.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_deployment_guide_has_every_environment_variable() {
    let guide = read(&root().join("docs/deploying.md"));
    let mut found = BTreeSet::new();
    for folder in ["host", "guest/src", "tests/it", "benches"] {
        for path in files(&root().join(folder), ".rs") {
            // Only literals: a name that ends in a quote.
            for rest in read(&path).split("\"ARCHIPEL_").skip(1) {
                let name: String = rest.chars().take_while(|c| *c != '"').collect();
                if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !name.is_empty() {
                    found.insert(format!("ARCHIPEL_{name}"));
                }
            }
        }
    }
    // A variable that a test expects to be absent.
    found.remove("ARCHIPEL_NO_SUCH_VARIABLE");
    assert!(found.len() > 3, "{found:?}");
    for name in found {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}
