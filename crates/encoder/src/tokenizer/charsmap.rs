//! SentencePiece's compiled normalisation map: a Darts double array from byte sequences to texts.
//!
//! At each place of the text the longest sequence that the array knows is replaced; any other character stays.
//! The unit layout is that of darts-clone; every index is checked, so a damaged map only normalises wrongly.

use crate::gguf::damaged;
use yizhan_domain::Result;

#[derive(Debug)]
pub(super) struct Charsmap {
    units: Vec<u32>,
    /// Texts, each ended by a zero byte.
    texts: Vec<u8>,
}

impl Charsmap {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let short = || damaged("its normalisation map ends too early");
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (units, texts) = rest.split_at_checked(length).ok_or_else(short)?;
        let units = units.as_chunks::<4>().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        Ok(Self { units, texts: texts.to_vec() })
    }

    pub(super) fn run(&self, text: &str, mut emit: impl FnMut(char, u32, u32)) {
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let matched = self.longest(&text.as_bytes()[at..]);
            // A damaged map could match half a character.
            let matched = matched.filter(|(length, _)| *length > 0 && text.is_char_boundary(at + length));
            let end = at + matched.map_or(character.len_utf8(), |(length, _)| length);
            let (Ok(from), Ok(to)) = (u32::try_from(at), u32::try_from(end)) else { return };
            match matched {
                Some((_, replacement)) => replacement.chars().for_each(|character| emit(character, from, to)),
                None => emit(character, from, to),
            }
            at = end;
        }
    }

    /// The longest prefix of `bytes` in the array: its length and what replaces it.
    fn longest(&self, bytes: &[u8]) -> Option<(usize, &str)> {
        let mut node = offset(*self.units.first()?);
        let mut best = None;
        for (index, &byte) in bytes.iter().enumerate() {
            node ^= usize::from(byte);
            let Some(&unit) = self.units.get(node) else { break };
            if unit & 0x8000_00ff != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            if unit & 0x100 != 0
                && let Some(leaf) = self.units.get(node)
            {
                best = Some((index + 1, leaf & 0x7fff_ffff));
            }
        }
        let (length, place) = best?;
        let text = self.texts.get(place as usize..)?;
        let end = text.iter().position(|&byte| byte == 0)?;
        Some((length, std::str::from_utf8(&text[..end]).ok()?))
    }
}

fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 0x200) >> 6)) as usize
}
