use super::*;

#[test]
fn titles_match_with_and_without_their_numbers() {
    let outline = Outline::of(&[(3, "软件包管理", 1), (3, "2.1 The base system", 2), (4, "GNU/Linux tutorials", 1)]);
    assert_eq!(outline.level(3, "第二章 软件包管理"), Some(1));
    assert_eq!(outline.level(3, "The  base system"), Some(2));
    assert_eq!(outline.level(4, "Chapter 1 GNU/Linux tutorials"), Some(1));
    assert_eq!(outline.level(4, "软件包管理"), None);
    assert_eq!(outline.level(3, "关于软件包管理"), None);
    assert!(outline.begins(4, "GNU/Linux"));
    assert!(!outline.begins(4, "GNU/Linux tutorials"));
}
