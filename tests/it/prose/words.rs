//! Splits prose into words, without code.

/// A word of a passage.
pub struct Word {
    /// The number of its line in the passage, from zero.
    pub line: usize,
    /// The word in lower case, without punctuation. Code is replaced by [`CODE`].
    pub text: String,
    /// True if punctuation separates it from the next word.
    pub ends: bool,
}

/// The text of a word that stands for code.
const CODE: &str = "`";

impl Word {
    /// Returns whether a word of a pattern matches.
    pub fn is(&self, wanted: &str) -> bool {
        wanted == "*" || wanted.split('/').any(|wanted| wanted == self.text)
    }
}

/// Splits a passage into words, without fenced code.
pub fn words(text: &str) -> Vec<Word> {
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
