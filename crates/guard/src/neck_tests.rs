use super::Neck;
use crate::boundary::Boundary;
use crate::found::Mark;
use crate::machine::{Machine, Pattern};
use crate::pii::KINDS;

fn of(pattern: &str) -> Option<Neck> {
    let mark = Mark { rule: 0, need: false, kind: None };
    let patterns = [Pattern { text: pattern.to_owned(), mark, verify: None }];
    Machine::regexes(Boundary::None, &patterns).unwrap()[0].neck()
}

#[test]
fn an_address_passes_its_sign_and_other_personal_data_nothing() {
    let necks: Vec<bool> = KINDS.iter().map(|kind| of(kind.pattern).is_some()).collect();
    assert_eq!(necks, KINDS.iter().map(|kind| kind.category == "pii/email").collect::<Vec<_>>());
    let neck = of(r"[a-z0-9._]{1,64}@[a-z]+\.[a-z]+").unwrap();
    assert_eq!(neck.misses("bc def"), Some(2));
    assert_eq!(neck.misses("B_c.，"), Some(4), "capitals are folded");
    assert_eq!(neck.misses("的"), Some(0));
    assert_eq!(neck.misses("bc@d"), None);
    assert_eq!(neck.misses("bc＠d"), None, "a wide form of it");
    assert_eq!(neck.misses("bc\u{200b}@d"), None, "what cannot be seen between them");
    assert_eq!(neck.misses("bcｄ@d"), None, "a wide letter");
    assert_eq!(neck.misses("bc"), None, "more may come");
    assert_eq!(neck.misses(""), None);
}

#[test]
fn a_pattern_that_need_not_pass_it_or_runs_through_other_scripts_has_none() {
    assert_eq!(of("[a-z]+@?[a-z]+"), None);
    assert_eq!(of("[a-z]{1,9}|x@y"), None);
    assert_eq!(of("[a-z一-龥]{1,9}@[a-z]"), None);
    assert_eq!(of("[ab]{1,9}@[a-z]"), None, "too rare to be worth it");
}
