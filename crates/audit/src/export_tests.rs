use super::csv_cell;

#[test]
fn cells_are_quoted_and_formulas_disarmed() {
    for (text, cell) in [("a", "a"), ("-5", "-5"), ("a,b", "\"a,b\""), ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("", "")] {
        assert_eq!(csv_cell(text), cell);
    }
    assert_eq!(csv_cell("say \"no\"\n"), "\"say \"\"no\"\"\n\"");
}
