//! Checks the code map in `ARCHITECTURE.md` against the imports of the code.
//!
//! The map lists the top modules of each crate from the top down. A module uses only modules that are listed below
//! it, and the files of a folder do not use each other in a circle. Parents and children can use each other. Code for
//! tests is left out.

use crate::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The crates, with the folder that names them in the map and their root modules.
const CRATES: [(&str, &str); 5] = [
    ("host/cli", "lib"),
    ("python/src", "lib"),
    ("host", "lib"),
    ("host/core", "lib"),
    ("guest/src", "lib"),
];

/// Folders whose files may use each other, because their types return each other: a runtime creates interpreters and
/// channels, and these refer to their runtime.
const KNOTS: [&str; 1] = ["host/api"];

/// A module path below the root of a crate.
type Module = Vec<String>;

/// The uses of modules by others, with a line of each.
type Arrows = BTreeMap<(Module, Module), usize>;

/// Returns the code without comments, the contents of literals, and items that exist only for tests. Lines stay.
fn plain(code: &str) -> String {
    let mut plain = String::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let raw = rest
            .strip_prefix("r#\"")
            .and_then(|inner| inner.find("\"#"));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(end) = raw {
            end + 5
        } else if c == '"' {
            let inner = &rest[1..];
            let mut escaped = false;
            let end = inner.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.unwrap() + 2
        } else if [
            "'\"'", "'{'", "'}'", "'('", "')'", "'['", "']'", "';'", "','",
        ]
        .iter()
        .any(|literal| rest.starts_with(literal))
        {
            3
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        plain.extend(rest[..length].chars().filter(|c| *c == '\n'));
        rest = &rest[length..];
    }
    without_tests(&plain)
}

fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = ["#[cfg(test)]", "#[cfg(any(test"]
        .iter()
        .filter_map(|mark| rest.find(mark))
        .min()
    {
        kept.push_str(&rest[..at]);
        let item = &rest[at..];
        let mut depth = 0;
        let end = item.char_indices().position(|(_, c)| {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            depth < 0 || depth == 0 && ['}', ';', ','].contains(&c)
        });
        let item_and_rest = item.char_indices().nth(end.unwrap()).unwrap();
        let (end, last) = item_and_rest;
        // A closing brace of the surrounding item stays.
        let end = if depth < 0 {
            end
        } else {
            end + last.len_utf8()
        };
        kept.extend(item[..end].chars().filter(|c| *c == '\n'));
        rest = &item[end..];
    }
    kept + rest
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// Adds the paths of the use tree at the start of `text` to `found`, and returns the rest.
fn tree<'t>(text: &'t str, prefix: &[&'t str], found: &mut Vec<Vec<String>>) -> &'t str {
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if let Some(rest) = rest.strip_prefix('}') {
                return rest;
            }
            rest = tree(rest, prefix, found);
            // ` as name`
            rest = &rest[rest.find([',', '}']).unwrap()..];
        }
    }
    let name = word(text);
    let rest = &text[name.len().max(usize::from(text.starts_with('*')))..];
    let path = [prefix, &[name]].concat();
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c == '{' || c.is_alphanumeric() || c == '_') => {
            tree(rest, &path, found)
        }
        _ => {
            found.push(path.into_iter().map(str::to_owned).collect());
            rest
        }
    }
}

/// Returns the paths in `code` that begin at `crate`, `self`, `super` or a child module, with their lines.
fn paths(code: &str, children: &BTreeSet<String>) -> Vec<(Vec<String>, usize)> {
    let mut all = Vec::new();
    let mut before = ' ';
    let mut at = 0;
    while at < code.len() {
        let name = word(&code[at..]);
        let rest = &code[at + name.len()..];
        let begins = ["crate", "self", "super"].contains(&name) || children.contains(name);
        if begins && rest.starts_with("::") && before != ':' && before != '.' && before != '$' {
            let mut found = Vec::new();
            tree(&code[at..], &[], &mut found);
            let line = code[..at].lines().count();
            all.extend(found.into_iter().map(|path| (path, line)));
        }
        let length = match name.len() {
            0 => code[at..].chars().next().unwrap().len_utf8(),
            length => length,
        };
        before = code[at..at + length].chars().last().unwrap();
        at += length;
    }
    all
}

/// Returns the names of the modules that `code` declares in other files.
fn declared(code: &str) -> BTreeSet<String> {
    let lines = code.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("pub(crate) ");
        let name = line.trim_start_matches("pub ").strip_prefix("mod ")?;
        name.strip_suffix(';').map(str::to_owned)
    });
    lines.collect()
}

/// Adds `module` and its descendants, with their code.
fn read(source: &dyn Fn(&Module) -> String, module: Module, all: &mut BTreeMap<Module, String>) {
    let code = plain(&source(&module));
    for child in declared(&code) {
        read(source, [&module[..], &[child]].concat(), all);
    }
    all.insert(module, code);
}

/// Returns the uses of modules by modules of one crate.
fn arrows(modules: &BTreeMap<Module, String>) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, code) in modules {
        for (path, line) in paths(code, &declared(code)) {
            let mut names = path.iter().peekable();
            let mut target = match names.peek().map(|name| name.as_str()) {
                Some("crate") => {
                    names.next();
                    Module::new()
                }
                Some("self") => {
                    names.next();
                    module.clone()
                }
                _ => module.clone(),
            };
            while names.next_if(|name| *name == "super").is_some() {
                target.pop();
            }
            for name in names {
                let inner = [&target[..], std::slice::from_ref(name)].concat();
                if !modules.contains_key(&inner) {
                    break;
                }
                target = inner;
            }
            if target != *module && !target.is_empty() && !module.is_empty() {
                arrows.entry((module.clone(), target)).or_insert(line);
            }
        }
    }
    arrows
}

/// Returns the modules of a crate, in the order of the map.
fn layers(map: &str, folder: &str) -> Vec<Vec<String>> {
    let lines = map.lines().skip_while(|line| word_of(line) != folder);
    let below = lines.skip(1).take_while(|line| line.starts_with("  "));
    let named = below.filter(|line| !line.starts_with("   "));
    named
        .map(|line| {
            let names = line.trim().split("  ").next().unwrap_or_default();
            names.split(' ').map(str::to_owned).collect()
        })
        .collect()
}

fn word_of(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// Returns the complaints about a crate's arrows.
fn complaints(folder: &str, modules: &BTreeMap<Module, String>, map: &str) -> Vec<String> {
    let layers = layers(map, folder);
    let level = |name: &String| layers.iter().position(|layer| layer.contains(name));
    let tops: BTreeSet<&String> = modules.keys().filter_map(|module| module.first()).collect();
    let mut complaints = Vec::new();
    for top in &tops {
        if level(top).is_none() {
            complaints.push(format!("{folder}/{top} is not in the map"));
        }
    }
    for listed in layers.iter().flatten() {
        if !tops.contains(listed) {
            complaints.push(format!("{folder}/{listed} is in the map only"));
        }
    }
    let arrows = arrows(modules);
    for ((from, to), line) in &arrows {
        let (Some(a), Some(b)) = (from.first(), to.first()) else {
            continue;
        };
        if a != b && level(a) >= level(b) {
            let (from, to) = (from.join("/"), to.join("::"));
            complaints.push(format!(
                "{folder}/{from}.rs:{line} uses {to}, which is not below"
            ));
        }
    }
    let is_family = |a: &Module, b: &Module| a.starts_with(b) || b.starts_with(a);
    let is_knot = |module: &Module| KNOTS.contains(&format!("{folder}/{}", module[0]).as_str());
    let uses: BTreeMap<&Module, Vec<&Module>> = modules
        .keys()
        .map(|module| {
            let from = arrows
                .keys()
                .filter(|(from, to)| from == module && !is_family(from, to) && !is_knot(from));
            (module, from.map(|(_, to)| to).collect())
        })
        .collect();
    for module in modules.keys() {
        let mut reached = BTreeSet::new();
        let mut next = uses[module].clone();
        while let Some(used) = next.pop() {
            if reached.insert(used) {
                next.extend(&uses[used]);
            }
        }
        if reached.contains(module) {
            complaints.push(format!("{folder}/{}.rs is in a circle", module.join("/")));
        }
    }
    complaints
}

fn read_crate(folder: &Path, name: &str) -> BTreeMap<Module, String> {
    let mut modules = BTreeMap::new();
    let source = |module: &Module| {
        let path = match module.is_empty() {
            true => folder.join(name),
            false => folder.join(module.join("/")),
        };
        let path = path.with_extension("rs");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    read(&source, Module::new(), &mut modules);
    modules
}

#[test]
fn modules_use_only_what_the_map_lists_below_them() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut found = Vec::new();
    for (folder, name) in CRATES {
        let modules = read_crate(&root().join(folder), name);
        assert!(modules.len() > 5, "{folder}");
        found.extend(complaints(folder, &modules, &map));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn violations_of_the_map_are_found() {
    let map = "host  the crate\n  top  one\n  low leaf  two\n     more of it\n\nother";
    let check = |top: &str, low: &str| {
        let source = |module: &Module| match module.join("/").as_str() {
            "" => {
                "mod top; mod low;\nmod leaf;\n#[cfg(test)]\nmod tests;".replace("; mod", ";\nmod")
            }
            "top" => top.to_owned(),
            "low" => low.to_owned(),
            "low/a" => "use super::b::{self, c::D as E, F};".to_owned(),
            "low/b" => "fn f() { let _ = '\"'; } // super::a::G".to_owned(),
            "low/c" => "const TEXT: &str = \"super::a\";\nuse crate::low::d;".to_owned(),
            "low/d" => "\npub use super::{c, b};".to_owned(),
            _ => String::new(),
        };
        let mut modules = BTreeMap::new();
        read(&source, Module::new(), &mut modules);
        complaints("host", &modules, map)
    };
    let nothing: [&str; 0] = [];
    assert_eq!(check("use crate::{low::X, leaf};", ""), nothing);
    assert_eq!(
        check("", "#[cfg(test)]\nuse crate::top::X;\nmod a;\nmod b;"),
        nothing
    );
    let up = check("", "fn f() {\n    crate::top::g();\n}");
    assert_eq!(up, ["host/low.rs:2 uses top, which is not below"]);
    let beside = check("", "use crate::leaf::X;");
    assert_eq!(beside, ["host/low.rs:1 uses leaf, which is not below"]);
    let circle = check("", "mod b;\npub(crate) mod c;\npub mod d;");
    assert_eq!(
        circle,
        [
            "host/low/c.rs is in a circle",
            "host/low/d.rs is in a circle"
        ]
    );
    assert_eq!(check("mod x;", "pub(super) mod y;"), nothing);
}
