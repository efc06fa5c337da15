//! The inputs of `archipel map`: words of the command line, or lines of standard input.

use std::io::{self, BufRead, Read};

/// The maximum length of an input line, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// One input, or the reason why a script cannot have it.
pub type Input = Result<String, Unusable>;

/// An input that cannot be passed to a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The input, as far as it can be shown.
    pub shown: String,
    pub why: &'static str,
}

/// The inputs, read on demand.
pub enum Inputs {
    Given(std::vec::IntoIter<String>),
    Lines(Box<dyn Lines>),
}

/// A source of lines.
pub trait Lines: Send {
    /// Reads the next input; `None` at the end.
    fn next_line(&mut self) -> io::Result<Option<Input>>;
}

impl Inputs {
    /// The inputs of the command line.
    pub fn given(words: Vec<String>) -> Self {
        Inputs::Given(words.into_iter())
    }

    /// The inputs of standard input.
    pub fn from_stdin(null: bool) -> Self {
        let end = if null { 0 } else { b'\n' };
        Inputs::Lines(Box::new(Separated {
            reader: io::BufReader::new(io::stdin()),
            end,
        }))
    }

    /// Returns the number of inputs, if it is known.
    pub fn count(&self) -> Option<usize> {
        match self {
            Inputs::Given(words) => Some(words.len()),
            Inputs::Lines(_) => None,
        }
    }

    /// Reads the next input; `None` at the end.
    pub fn next_input(&mut self) -> io::Result<Option<Input>> {
        match self {
            Inputs::Given(words) => Ok(words.next().map(Ok)),
            Inputs::Lines(lines) => lines.next_line(),
        }
    }
}

/// Inputs that end in a given byte.
struct Separated<R> {
    reader: R,
    end: u8,
}

impl<R: BufRead + Send> Lines for Separated<R> {
    fn next_line(&mut self) -> io::Result<Option<Input>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(LONGEST_LINE + 1);
        if limited.read_until(self.end, &mut line)? == 0 {
            return Ok(None);
        }
        let ended = line.last() == Some(&self.end);
        if ended {
            line.pop();
            if self.end == b'\n' && line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if line.len() as u64 > LONGEST_LINE {
            // The rest of the line is not another input.
            self.reader.skip_until(self.end)?;
        }
        let unusable = |line: &[u8], why| {
            let shown = line.get(..100).unwrap_or(line);
            let shown = String::from_utf8_lossy(shown).into_owned();
            Err(Unusable { shown, why })
        };
        if line.len() as u64 > LONGEST_LINE {
            return Ok(Some(unusable(&line, "the input is longer than 1 MiB")));
        }
        Ok(Some(String::from_utf8(line).or_else(|error| {
            unusable(error.as_bytes(), "the input is not UTF-8")
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], end: u8) -> Vec<Result<String, &'static str>> {
        let mut lines = Separated { reader: bytes, end };
        let mut found = Vec::new();
        while let Some(input) = lines.next_line().unwrap() {
            found.push(input.map_err(|unusable| unusable.why));
        }
        found
    }

    #[test]
    fn invalid_lines_are_reported_in_place() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(all(b"", b'\n'), []);
        assert_eq!(all(b"a\nb", b'\n'), [ok("a"), ok("b")]);
        assert_eq!(all(b"a\r\n\nb\n", b'\n'), [ok("a"), ok(""), ok("b")]);
        assert_eq!(all(b"a\nb\0c\0", 0), [ok("a\nb"), ok("c")]);
        assert_eq!(
            all(b"a\n\xff\nb\n", b'\n'),
            [ok("a"), Err("the input is not UTF-8"), ok("b")]
        );
        let mut long = vec![b'x'; 3 << 20];
        long.extend_from_slice(b"\nb\n");
        assert_eq!(
            all(&long, b'\n'),
            [Err("the input is longer than 1 MiB"), ok("b")]
        );
    }
}
