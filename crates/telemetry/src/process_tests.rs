use super::*;

#[test]
fn a_name_with_brackets_shifts_nothing() {
    let stat = "12 (a) b) (c) S 1 12 12 0 -1 4194304 90 0 0 0 250 50 0 0 20 0 1 0 7700 1000 200";
    assert_eq!(times(stat), Some((3.0, 77.0)));
    assert_eq!(times(""), None);
    assert_eq!(times("12 (a) S 1 2"), None);
}

#[test]
fn fields_are_found_at_the_beginning_of_lines() {
    let text = "Max open filesystems 7\nMax open files            1024                 4096                 files\n";
    assert_eq!(field("x VmRSS: 1\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
    assert_eq!(field(&text.replace("Max open filesystems 7\n", ""), "Max open files"), Some(1024.0));
    assert_eq!(field("Max open files unlimited", "Max open files"), None);
}
