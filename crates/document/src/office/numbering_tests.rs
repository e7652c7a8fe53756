use super::*;

#[test]
fn numbers_are_spelled() {
    assert_eq!(["1", "12", "20", "45"].map(|n| chinese(n.parse().unwrap())), ["一", "十二", "二十", "四十五"]);
    assert_eq!(roman(1994), "MCMXCIV");
    assert_eq!((letters(1), letters(27)), ("A".into(), "AA".into()));
}

#[test]
fn levels_count_and_start_over() {
    let mut levels = vec![Level::default(); LEVELS];
    levels[0] = Level { format: "decimal".into(), text: "%1.".into(), start: 1 };
    levels[1] = Level { format: "lowerLetter".into(), text: "%1.%2)".into(), start: 1 };
    let mut numbering =
        Numbering { definitions: [(0, levels)].into(), lists: [(7, 0)].into(), counters: HashMap::new() };
    let markers: Vec<String> = [0, 1, 1, 0, 1].map(|level| numbering.next(7, level)).into();
    assert_eq!(markers, ["1.", "1.a)", "1.b)", "2.", "2.a)"]);
    assert_eq!(numbering.next(8, 0), "-");
}
