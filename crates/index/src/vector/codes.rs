//! One bit a dimension and two numbers a row, from which an inner product is estimated.
//!
//! It does not know files or documents. The method is RaBitQ (Gao and Long, SIGMOD 2024): rows are
//! centred, because embeddings lie in a narrow cone, rotated, and reduced to signs; the query keeps
//! four bits. The estimate is unbiased with a known deviation, so a search knows which rows could
//! still be among the best and compares those, and only those, exactly.

use super::kernel::{LANES, Query4, estimate, planes};
use super::rotation::rotate;

/// Rows that the centre is taken from, at most.
const SAMPLE: usize = 1 << 16;

/// Codes of all rows, in blocks of [`LANES`] rows: word by word, so that one step serves a block.
pub(crate) struct Codes {
    centre: Vec<f32>,
    /// Length of the centre rotated and padded; a multiple of 64.
    width: usize,
    /// How many rows there were when the centre was taken.
    trained: usize,
    rows: usize,
    bits: Vec<u64>,
    /// What the bits' product is multiplied by, a row.
    scales: Vec<f32>,
    /// The row's product with the centre, less the centre's with itself.
    offsets: Vec<f32>,
    /// Sum of the rows' deviations, for their mean.
    deviations: f64,
}

impl Codes {
    /// Takes the centre of these rows. Encode them afterwards with [`Codes::push`].
    pub(crate) fn train<'a>(dimensions: usize, count: usize, row: impl Fn(usize) -> &'a [f32]) -> Self {
        let step = count.div_ceil(SAMPLE).max(1);
        let mut sums = vec![0f64; dimensions];
        for index in (0..count).step_by(step) {
            row(index).iter().zip(&mut sums).for_each(|(value, sum)| *sum += f64::from(*value));
        }
        let sampled = count.div_ceil(step).max(1) as f64;
        Self::with_centre(sums.into_iter().map(|sum| (sum / sampled) as f32).collect(), count)
    }

    /// Without rows, around a known centre.
    pub(crate) fn with_centre(centre: Vec<f32>, trained: usize) -> Self {
        let width = centre.len().next_multiple_of(64);
        let (bits, scales, offsets) = (Vec::new(), Vec::new(), Vec::new());
        Self { centre, width, trained, rows: 0, bits, scales, offsets, deviations: 0.0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn trained(&self) -> usize {
        self.trained
    }

    pub(crate) fn centre(&self) -> &[f32] {
        &self.centre
    }

    fn words(&self) -> usize {
        self.width / 64
    }

    /// Encodes one more row.
    pub(crate) fn push(&mut self, row: &[f32]) {
        let residual = self.residual(row);
        let squares: f32 = residual.iter().map(|value| value * value).sum();
        let absolutes: f32 = residual.iter().map(|value| value.abs()).sum();
        let scale = if absolutes > 0.0 { squares / absolutes } else { 0.0 };
        let offset: f32 = row.iter().zip(&self.centre).map(|(value, centre)| (value - centre) * centre).sum();
        let lane = self.rows % LANES;
        if lane == 0 {
            self.bits.resize(self.bits.len() + self.words() * LANES, 0);
            self.scales.resize(self.scales.len() + LANES, 0.0);
            self.offsets.resize(self.offsets.len() + LANES, 0.0);
        }
        let block = self.rows / LANES * self.words() * LANES;
        for (word, values) in residual.chunks(64).enumerate() {
            let bits = values.iter().enumerate().fold(0u64, |bits, (bit, v)| bits | u64::from(*v >= 0.0) << bit);
            self.bits[block + word * LANES + lane] = bits;
        }
        self.scales[self.rows] = scale;
        self.offsets[self.rows] = offset;
        self.deviations += f64::from(deviation(squares, absolutes, self.width));
        self.rows += 1;
    }

    fn residual(&self, row: &[f32]) -> Vec<f32> {
        let mut residual: Vec<f32> = row.iter().zip(&self.centre).map(|(value, centre)| value - centre).collect();
        residual.resize(self.width, 0.0);
        rotate(&mut residual);
        residual
    }

    /// Prepares a query.
    pub(crate) fn query(&self, query: &[f32]) -> Prepared {
        let residual = self.residual(query);
        let length = residual.iter().map(|value| value * value).sum::<f32>().sqrt();
        let base = query.iter().zip(&self.centre).map(|(a, b)| a * b).sum();
        let mean = if self.rows == 0 { 0.0 } else { (self.deviations / self.rows as f64) as f32 };
        Prepared { planes: planes(&residual, base), deviation: length * mean }
    }

    /// Estimates the products of the blocks from `first` on; `out` has [`LANES`] places a block.
    pub(crate) fn estimate(&self, query: &Prepared, first: usize, out: &mut [f32]) {
        let words = self.words();
        let rows = first * LANES..first * LANES + out.len();
        let bits = self.bits.get(rows.start * words..rows.end * words).unwrap_or(&[]);
        let scales = self.scales.get(rows.clone()).unwrap_or(&[]);
        let offsets = self.offsets.get(rows).unwrap_or(&[]);
        estimate(&query.planes, bits, scales, offsets, out);
    }

    /// The block's numbers as they are kept in a file; see [`Codes::read_block`].
    pub(crate) fn write_block(&self, block: usize, into: &mut Vec<u8>) {
        let words = self.words() * LANES;
        let numbers = block * LANES..(block + 1) * LANES;
        self.bits[block * words..(block + 1) * words].iter().for_each(|word| into.extend(word.to_le_bytes()));
        self.scales[numbers.clone()].iter().for_each(|number| into.extend(number.to_le_bytes()));
        self.offsets[numbers].iter().for_each(|number| into.extend(number.to_le_bytes()));
    }

    /// Bytes of a block in a file.
    pub(crate) fn block_bytes(&self) -> usize {
        LANES * (self.words() * size_of::<u64>() + 2 * size_of::<f32>())
    }

    /// Appends `rows` rows of a block that was written with [`Codes::write_block`].
    pub(crate) fn read_block(&mut self, bytes: &[u8], rows: usize) {
        let words = self.words() * LANES;
        let (bits, numbers) = bytes.split_at(words * size_of::<u64>());
        self.bits.extend(bits.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)));
        let (scales, offsets) = numbers.split_at(LANES * size_of::<f32>());
        self.scales.extend(scales.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)));
        self.offsets.extend(offsets.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)));
        self.rows += rows;
    }

    /// The sum that the mean deviation comes from, to be kept with the rows.
    pub(crate) fn deviations(&self) -> f64 {
        self.deviations
    }

    /// Takes over what [`Codes::deviations`] said.
    pub(crate) fn set_deviations(&mut self, sum: f64) {
        self.deviations = sum;
    }
}

/// By how much an estimate is off, as a standard deviation, for a query of length 1.
fn deviation(squares: f32, absolutes: f32, width: usize) -> f32 {
    // The cosine between the residual and its signs.
    let cosine = absolutes / (squares.sqrt() * (width as f32).sqrt());
    if squares <= 0.0 || width < 2 {
        return 0.0;
    }
    ((1.0 - cosine * cosine).max(0.0) * squares / ((width - 1) as f32)).sqrt() / cosine
}

/// A query in the form that codes are compared with.
pub(crate) struct Prepared {
    planes: Query4,
    /// Standard deviation of an estimate.
    pub(crate) deviation: f32,
}

#[cfg(test)]
#[path = "codes_tests.rs"]
pub(crate) mod tests;
