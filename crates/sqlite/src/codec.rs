//! Vectors and lines as bytes.
//!
//! It does not know tables. A million chunks are kept, so lines take about 20 bytes each instead of
//! the hundred of JSON.

use yizhan_domain::{Error, LineSpan, Rect, Result};

/// 32-bit floats, little-endian, one after another.
pub(crate) fn vector_to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn vector_from_bytes(bytes: &[u8]) -> Result<Vec<f32>> {
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(damaged("vector"));
    }
    Ok(values.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

const HAS_PAGE: u8 = 1;
const HAS_RECT: u8 = 2;

/// Each line: a byte of flags, start and end as LEB128, then the page as LEB128 and the box as four
/// little-endian floats where it has them.
pub(crate) fn lines_to_bytes(lines: &[LineSpan]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len() * 24);
    for line in lines {
        bytes.push(u8::from(line.page.is_some()) * HAS_PAGE + u8::from(line.rect.is_some()) * HAS_RECT);
        push_number(&mut bytes, line.start);
        push_number(&mut bytes, line.end);
        if let Some(page) = line.page {
            push_number(&mut bytes, page);
        }
        if let Some(Rect(corners)) = line.rect {
            bytes.extend(corners.iter().flat_map(|corner| corner.to_le_bytes()));
        }
    }
    bytes
}

pub(crate) fn lines_from_bytes(mut bytes: &[u8]) -> Result<Vec<LineSpan>> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        lines.push(take_line(&mut bytes).ok_or_else(|| damaged("list of lines"))?);
    }
    Ok(lines)
}

fn take_line(bytes: &mut &[u8]) -> Option<LineSpan> {
    let flags = take_byte(bytes)?;
    if flags > HAS_PAGE + HAS_RECT {
        return None;
    }
    let (start, end) = (take_number(bytes)?, take_number(bytes)?);
    let page = if flags & HAS_PAGE == 0 { None } else { Some(take_number(bytes)?) };
    let rect = if flags & HAS_RECT == 0 { None } else { Some(take_rect(bytes)?) };
    Some(LineSpan { start, end, page, rect })
}

fn take_rect(bytes: &mut &[u8]) -> Option<Rect> {
    let mut corners = [0.0; 4];
    for corner in &mut corners {
        let (value, rest) = bytes.split_first_chunk::<4>()?;
        *bytes = rest;
        *corner = f32::from_le_bytes(*value);
    }
    Some(Rect(corners))
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn push_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = take_byte(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

fn damaged(what: &str) -> Error {
    Error::internal(format!("A {what} in the database is damaged; restore the data directory from a backup."))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
