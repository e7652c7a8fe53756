use super::*;

#[test]
fn every_variant_of_the_build_is_known_and_the_plain_one_always_runs() {
    assert!(is_supported(VARIANTS[0].0));
    assert!(VARIANTS.iter().all(|(_, module)| module.starts_with(b"\x7fELF")));
    let source = include_str!("backend.rs");
    for (name, _) in VARIANTS {
        assert!(source.contains(&format!("\"{name}\" =>")), "{name} is compiled but never chosen");
    }
}
