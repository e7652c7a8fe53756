use super::super::codes::tests::cone;
use super::*;

#[test]
fn the_best_estimates_of_the_rows_that_count_are_kept() {
    let rows = cone(3_000, 64, 9);
    let mut codes = Codes::train(64, rows.len(), |row| &rows[row]);
    rows.iter().for_each(|row| codes.push(row));
    let query = codes.query(&rows[5]);
    let mut all = vec![0.0; 3_000];
    codes.estimate(&query, 0, &mut all);
    for (range, most) in [(0..3_000, 7), (3..3_000, 40), (1_021..1_022, 5), (10..10, 5), (100..9_999, 3_000)] {
        let mut expected: Vec<usize> = range.clone().filter(|row| *row < 3_000 && row % 3 != 0).collect();
        expected.sort_by(|a, b| all[*b].total_cmp(&all[*a]));
        expected.truncate(most);
        let mut candidates = Candidates::new(most);
        candidates.scan(&codes, &query, range, |row| row % 3 != 0);
        let found: Vec<f32> = candidates.into_best_first().map(|(estimate, _)| estimate).collect();
        let expected: Vec<f32> = expected.into_iter().map(|row| all[row]).collect();
        assert_eq!(found, expected);
    }
}
