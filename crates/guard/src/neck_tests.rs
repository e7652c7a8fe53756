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
    assert_eq!(neck.look("bc def"), (2, true));
    assert_eq!(neck.look("B_c.，"), (4, true), "capitals are folded");
    assert_eq!(neck.look("的"), (0, true));
    assert_eq!(neck.look("bc@d"), (2, false));
    assert_eq!(neck.look("bc＠d"), (2, false), "a wide form of it");
    assert_eq!(neck.look("bc\u{200b}@d"), (2, false), "what cannot be seen between them");
    assert_eq!(neck.look("bcｄ@d"), (2, false), "a wide letter");
    assert_eq!(neck.look("bc"), (2, false), "more may come");
    assert_eq!(neck.look(""), (0, false));
}

#[test]
fn a_pattern_that_need_not_pass_it_or_runs_through_other_scripts_has_none() {
    assert_eq!(of("[a-z]+@?[a-z]+"), None);
    assert_eq!(of("[a-z]{1,9}|x@y"), None);
    assert_eq!(of("[a-z一-龥]{1,9}@[a-z]"), None);
    assert_eq!(of("[ab]{1,9}@[a-z]"), None, "too rare to be worth it");
}
