//! Tensors and their element types, with conversion of a row to 32-bit floats.

use half::{bf16, f16};

/// Element types that encoders come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ElementType {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
}

/// Values that share a scale in the quantised types.
pub(crate) const BLOCK: usize = 32;

impl ElementType {
    pub(super) fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    pub(super) fn code(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Bf16 => 30,
        }
    }

    /// Values in a block and bytes of a block.
    fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (BLOCK, 18),
            Self::Q4_1 => (BLOCK, 20),
            Self::Q5_0 => (BLOCK, 22),
            Self::Q5_1 => (BLOCK, 24),
            Self::Q8_0 => (BLOCK, 34),
        }
    }

    /// Bytes of a row of `columns` values; none if a row does not end with a block.
    pub(crate) fn row_bytes(self, columns: usize) -> Option<usize> {
        let (values, bytes) = self.block();
        if columns.is_multiple_of(values) { (columns / values).checked_mul(bytes) } else { None }
    }
}

/// A matrix of `rows × columns`, rows contiguous; a vector has one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor<'a> {
    pub(crate) kind: ElementType,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// The bytes of one row; empty if there is no such row.
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        let size = self.kind.row_bytes(self.columns).unwrap_or(0);
        let start = row.saturating_mul(size);
        self.bytes.get(start..start.saturating_add(size)).unwrap_or_default()
    }

    /// Writes one row as floats. `out` has `columns` places.
    pub(crate) fn read_row(&self, row: usize, out: &mut [f32]) {
        read_values(self.kind, self.row(row), out);
    }

    /// All values, row after row.
    pub(crate) fn to_floats(self) -> Vec<f32> {
        let mut values = vec![0.0; self.rows * self.columns];
        read_values(self.kind, self.bytes, &mut values);
        values
    }
}

fn read_values(kind: ElementType, bytes: &[u8], out: &mut [f32]) {
    let (per_block, size) = kind.block();
    for (block, out) in bytes.chunks_exact(size).zip(out.chunks_exact_mut(per_block)) {
        read_block(kind, block, out);
    }
}

fn read_block(kind: ElementType, block: &[u8], out: &mut [f32]) {
    let half_at = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    match kind {
        ElementType::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
        ElementType::F16 => out[0] = half_at(0),
        ElementType::Bf16 => out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32(),
        ElementType::Q4_0 => read_nibbles(&block[2..18], None, -8, half_at(0), 0.0, out),
        ElementType::Q4_1 => read_nibbles(&block[4..20], None, 0, half_at(0), half_at(2), out),
        ElementType::Q5_0 => read_nibbles(&block[6..22], Some(&block[2..6]), -16, half_at(0), 0.0, out),
        ElementType::Q5_1 => read_nibbles(&block[8..24], Some(&block[4..8]), 0, half_at(0), half_at(2), out),
        ElementType::Q8_0 => {
            let scale = half_at(0);
            for (value, &byte) in out.iter_mut().zip(&block[2..34]) {
                *value = f32::from(byte as i8) * scale;
            }
        }
    }
}

/// 32 values of 4 bits (byte `j` holds value `j` low and value `j + 16` high), with a fifth bit from `high` if given.
fn read_nibbles(nibbles: &[u8], high: Option<&[u8]>, offset: i32, scale: f32, minimum: f32, out: &mut [f32]) {
    let high = high.map_or(0, |bits| u32::from_le_bytes([bits[0], bits[1], bits[2], bits[3]]));
    for (j, &byte) in nibbles.iter().enumerate() {
        let low = i32::from(byte & 15) | (((high >> j) & 1) << 4) as i32;
        let upper = i32::from(byte >> 4) | (((high >> (j + 16)) & 1) << 4) as i32;
        out[j] = (low + offset) as f32 * scale + minimum;
        out[j + 16] = (upper + offset) as f32 * scale + minimum;
    }
}
