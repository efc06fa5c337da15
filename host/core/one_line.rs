//! Texts of scripts and their data, displayed in one line.

use std::fmt;

/// Displays a text in one line: control characters, including line breaks, are escaped. Scripts and their data
/// control parts of such texts.
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            let mut chars = part.chars();
            match chars.next_back() {
                Some(last) if last.is_control() => {
                    write!(f, "{}{}", chars.as_str(), last.escape_debug())?;
                }
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}
