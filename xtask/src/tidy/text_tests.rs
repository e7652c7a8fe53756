use super::*;
use proptest::prelude::*;

#[test]
fn white_space_at_the_end_is_found() {
    let lines: Vec<usize> = check("a.md", "a\nb \nc\t\nd\r\n").iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [2, 3, 4]);
}

#[test]
fn a_machines_own_directory_is_found_but_not_a_part_of_a_path() {
    for directory in MACHINE {
        assert_eq!(check("a", &format!("x\ncd {directory}y")).len(), 1);
        assert_eq!(check("a", &format!("'{directory}y'")).len(), 1);
        assert!(check("a", &format!("target{directory}y ~{directory}z $X{directory}z")).is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_can_be_checked(text in "\\PC{0,60}") {
        check("a", &text);
    }
}
