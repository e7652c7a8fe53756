use super::*;

#[test]
fn the_rules_name_crates_that_rules_know() {
    let rules = Rules::builtin().unwrap();
    for (owner, allowed) in &rules.edges {
        for other in allowed.iter().filter(|other| *other != "*") {
            assert!(rules.edges.contains_key(other), "{owner} → {other}");
        }
    }
    for (owner, others) in &rules.tests {
        assert!(
            rules.edges.contains_key(owner) && others.iter().all(|other| rules.edges.contains_key(other)),
            "{owner}"
        );
    }
    for (library, homes) in &rules.homes {
        assert!(homes.iter().all(|home| rules.edges.contains_key(home)), "{library}");
    }
}

#[test]
fn samples_are_left_alone_wherever_they_are() {
    let rules = Rules::builtin().unwrap();
    assert!(rules.is_sample("samples/a.csv") && rules.is_sample("crates/x/tests/data/a.md"));
    assert!(!rules.is_sample("crates/x/src/samples.rs"));
}
