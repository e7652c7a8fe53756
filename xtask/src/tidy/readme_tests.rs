use super::*;

const ENGLISH_TEXT: &str = "# Post\n\n```sh\n# no heading\nmake demo\n```\n\n## More\n";

fn found(chinese: &str) -> Vec<usize> {
    compare(&outline(ENGLISH_TEXT), &outline(chinese)).iter().map(|finding| finding.line).collect()
}

#[test]
fn the_same_outline_and_code_pass() {
    assert!(found("# 驿站\n\n说明\n\n```sh\n# no heading\nmake demo\n```\n\n## 更多\n").is_empty());
}

#[test]
fn what_differs_is_found_where_it_is() {
    assert_eq!(found("# 驿站\n\n```sh\n# no heading\nmake test\n```\n\n## 更多\n"), [3]);
    assert_eq!(found("# 驿站\n\n```sh\n# no heading\nmake demo\n```\n\n### 更多\n"), [8]);
    assert_eq!(found("# 驿站\n\n## 更多\n"), [1]);
    assert_eq!(found("# 驿站\n\n```sh\n# no heading\nmake demo\n```\n"), [1]);
}
