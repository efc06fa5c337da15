//! Text of limited length.

/// Returns at most the first `most` bytes of a text, and frees the rest.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
    }
    text
}
