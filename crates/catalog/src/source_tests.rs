use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Source, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn each_kind_of_place_is_read() {
    let hub = parse("huggingface = 'a/b'\nrevision = 'v1'\nfiles.'m.gguf' = 'dir/m.gguf'").unwrap();
    assert_eq!(hub.origin, Origin::HuggingFace("a/b".into()));
    assert_eq!(hub.revision.as_deref(), Some("v1"));
    assert_eq!(hub.files["m.gguf"], ["dir/m.gguf"]);
    let wheels = parse("wheels = ['a==1', 'b==2', 'c==3']\nfiles.m = ['x/1', 'x/2']").unwrap();
    assert_eq!(wheels.to_string(), "pip a==1 … c==3");
    assert_eq!(wheels.files["m"].len(), 2);
    assert_eq!(parse("url = 'http://h/x'\nfiles.m = 'm'").unwrap().to_string(), "http://h/x");
    assert_eq!(parse("modelscope = 'a/b'\nfiles.m = 'm'").unwrap().to_string(), "ModelScope a/b");
}

#[test]
fn what_could_reach_outside_is_refused() {
    for text in [
        "files.m = 'm'",
        "huggingface = 'a/b'\nmodelscope = 'a/b'\nfiles.m = 'm'",
        "huggingface = 'a'\nfiles.m = 'm'",
        "huggingface = '../b'\nfiles.m = 'm'",
        "huggingface = 'a/b'\nrevision = '../..'\nfiles.m = 'm'",
        "huggingface = 'a/b'\nfiles.m = ['x', 'y']",
        "huggingface = 'a/b'\nfiles.m = '/etc/passwd'",
        "huggingface = 'a/b'\nfiles.m = 'a/../../b'",
        "huggingface = 'a/b'\nfiles.m = 'a?b'",
        "url = 'file:///etc'\nfiles.m = 'm'",
        "url = 'https://'\nfiles.m = 'm'",
        "wheels = []\nfiles.m = 'm'",
        "wheels = ['--index-url=x==1']\nfiles.m = 'm'",
        "wheels = ['a']\nfiles.m = 'm'",
        "wheels = ['a==1']\nfiles.m = []",
        "wheels = ['a==1']\nfiles.m = 'm'\nother = 1",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_path_that_passes_stays_below_its_root(path in "[a-z./\\\\~ :_-]{0,20}") {
        if is_path(&path) {
            let steps: Vec<_> = std::path::Path::new(&path).components().collect();
            prop_assert!(steps.iter().all(|step| matches!(step, std::path::Component::Normal(_))));
            prop_assert!(!path.contains(['\\', ' ', ':', '~']));
        }
    }
}
