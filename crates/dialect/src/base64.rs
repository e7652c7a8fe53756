//! Base64 of vectors, as OpenAI's clients ask for by default.
//!
//! It only encodes, with the standard alphabet and padding (RFC 4648, section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Little-endian bytes of the numbers, in base64.
pub(crate) fn encode_floats(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    encode(&bytes)
}

/// Base64 with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            if position > group.len() {
                text.push('=');
            } else {
                let letter = ALPHABET[(bits >> (18 - 6 * position) & 63) as usize];
                text.push(char::from(letter));
            }
        }
    }
    text
}

#[cfg(test)]
#[path = "base64_tests.rs"]
mod tests;
