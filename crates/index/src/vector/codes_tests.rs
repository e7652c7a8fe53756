use super::*;

/// Rows around a common direction, as embeddings are; SplitMix64 for noise.
pub(crate) fn cone(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let row = |_| {
        let mut row: Vec<f32> = (0..dimensions).map(|axis| next() + if axis % 7 == 0 { 1.0 } else { 0.0 }).collect();
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        row.iter_mut().for_each(|v| *v /= length);
        row
    };
    (0..count).map(row).collect()
}

fn coded(rows: &[Vec<f32>]) -> Codes {
    let mut codes = Codes::train(rows[0].len(), rows.len(), |index| &rows[index]);
    rows.iter().for_each(|row| codes.push(row));
    codes
}

fn estimates(codes: &Codes, query: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; codes.len().next_multiple_of(LANES)];
    codes.estimate(&codes.query(query), 0, &mut out);
    out.truncate(codes.len());
    out
}

#[test]
fn estimates_are_unbiased_with_the_deviation_that_is_claimed() {
    for dimensions in [64, 100, 384] {
        let rows = cone(1_001, dimensions, 1);
        let codes = coded(&rows);
        let query = &cone(1, dimensions, 2)[0];
        let claimed = codes.query(query).deviation;
        let errors: Vec<f32> = estimates(&codes, query)
            .iter()
            .zip(&rows)
            .map(|(estimate, row)| estimate - row.iter().zip(query).map(|(a, b)| a * b).sum::<f32>())
            .collect();
        let mean = errors.iter().sum::<f32>() / errors.len() as f32;
        let spread = (errors.iter().map(|e| e * e).sum::<f32>() / errors.len() as f32).sqrt();
        assert!(mean.abs() < claimed / 4.0, "{dimensions}: off by {mean}, deviation {claimed}");
        assert!((0.7..1.4).contains(&(spread / claimed)), "{dimensions}: spread {spread}, claimed {claimed}");
    }
}

#[test]
fn blocks_come_back_from_bytes() {
    let rows = cone(21, 100, 3);
    let codes = coded(&rows);
    let mut again = Codes::with_centre(codes.centre().to_vec(), codes.trained());
    for (block, count) in [(0, 8), (1, 8), (2, 5)] {
        let mut bytes = Vec::new();
        codes.write_block(block, &mut bytes);
        assert_eq!(bytes.len(), codes.block_bytes());
        again.read_block(&bytes, count);
    }
    again.set_deviations(codes.deviations());
    assert_eq!(again.len(), 21);
    assert_eq!(estimates(&again, &rows[0]), estimates(&codes, &rows[0]));
}

#[test]
fn equal_rows_and_zero_rows_are_no_trouble() {
    let rows = vec![vec![0.0; 10]; 9];
    let codes = coded(&rows);
    assert_eq!(estimates(&codes, &[1.0; 10]), [0.0; 9]);
    assert_eq!(codes.query(&[1.0; 10]).deviation, 0.0);
}
