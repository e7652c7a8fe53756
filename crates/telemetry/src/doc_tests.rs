use super::*;

#[test]
fn the_document_is_made_from_the_table() {
    let written = include_str!("../../../docs/metrics.md");
    let wanted = document();
    let line = wanted.lines().zip(written.lines()).take_while(|(wanted, written)| wanted == written).count() + 1;
    assert!(wanted == written, "docs/metrics.md differs in line {line}; its first line says how it is made");
}
