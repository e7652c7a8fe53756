//! Metadata values. Arrays stay where they are in the file and are read on demand.

use super::damaged;
use yizhan_domain::Result;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Any of the signed or unsigned integers.
    Integer(i128),
    Float(f64),
    Bool(bool),
    Text(&'a str),
    Array(Array<'a>),
}

/// An array of one element type, as bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Array<'a> {
    pub(crate) kind: u32,
    pub(crate) count: usize,
    pub(crate) bytes: &'a [u8],
}

pub(crate) const U8: u32 = 0;
pub(crate) const U32: u32 = 4;
pub(crate) const I32: u32 = 5;
pub(crate) const F32: u32 = 6;
pub(crate) const BOOL: u32 = 7;
pub(crate) const TEXT: u32 = 8;
pub(crate) const ARRAY: u32 = 9;

/// Bytes of one element, for the kinds of fixed size.
pub(super) fn fixed_size(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | BOOL => Some(1),
        2 | 3 => Some(2),
        U32 | I32 | F32 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

impl<'a> Array<'a> {
    /// The texts of an array of texts, each with its place in `bytes`.
    pub(crate) fn texts(self) -> Result<impl Iterator<Item = (usize, &'a [u8])>> {
        if self.kind != TEXT {
            return Err(damaged("a list of texts has another type"));
        }
        let mut at = 0usize;
        Ok((0..self.count).map_while(move |_| {
            let length = self.bytes.get(at..at.checked_add(8)?)?;
            let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
            let start = at + 8;
            let text = self.bytes.get(start..start.checked_add(length)?)?;
            at = start + length;
            Some((start, text))
        }))
    }

    /// The numbers of an array of 32-bit floats.
    pub(crate) fn floats(self) -> Result<impl ExactSizeIterator<Item = f32> + use<'a>> {
        if self.kind != F32 {
            return Err(damaged("a list of numbers has another type"));
        }
        Ok(self.bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)))
    }

    /// The numbers of an array of 32-bit integers, signed or not, as their bits.
    pub(crate) fn words(self) -> Result<impl ExactSizeIterator<Item = u32> + use<'a>> {
        if self.kind != U32 && self.kind != I32 {
            return Err(damaged("a list of integers has another type"));
        }
        Ok(self.bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)))
    }
}
