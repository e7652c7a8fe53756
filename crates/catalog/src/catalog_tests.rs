use super::*;
use crate::Kind;
use proptest::prelude::*;

const HASH: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

fn entry(name: &str) -> String {
    format!(
        "[[artefact]]\nname = '{name}'\nkind = 'chat'\nlicence = 'MIT'\ndescription = {{ zh = '甲', en = 'a' }}\n\
         files = [{{ name = 'model.gguf', size = 7, sha256 = '{HASH}' }}]\n\
         sources = [{{ url = 'http://h', files = {{ 'model.gguf' = 'm' }} }}]\n"
    )
}

#[test]
fn the_built_in_list_is_sound_and_has_what_the_program_needs() {
    let catalog = Catalog::builtin().unwrap();
    for (name, kind, file) in [
        ("qwen2.5-coder-0.5b-instruct", Kind::Chat, "model.gguf"),
        ("smollm2-135m-instruct", Kind::Chat, "model.gguf"),
        ("multilingual-e5-small", Kind::Embed, "e5-small-q4.bin"),
        ("all-minilm-l6-v2", Kind::Embed, "tokenizer.json"),
        ("pp-ocrv6-small", Kind::Ocr, "recognition.rten"),
        ("pdfium", Kind::Library, "libpdfium.so"),
    ] {
        let artefact = catalog.get(name).unwrap();
        assert_eq!(artefact.kind, kind, "{name}");
        assert!(artefact.verified, "{name}");
        assert!(artefact.files.iter().any(|entry| entry.name == file), "{name}");
    }
    for artefact in catalog.list() {
        assert!(!artefact.description.zh.is_empty() && !artefact.description.en.is_empty());
        let converts = artefact.convert.as_ref().is_none_or(|convert| convert.file == "model.gguf");
        assert!(converts, "{}", artefact.name);
    }
}

#[test]
fn extra_entries_add_and_replace() {
    let base = Catalog::parse(&(entry("one") + &entry("two"))).unwrap();
    let extra = entry("two").replace("MIT", "Apache-2.0") + &entry("three");
    let both = base.with_extra(&extra).unwrap();
    let names: Vec<_> = both.list().iter().map(|artefact| artefact.name.as_str()).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert_eq!(both.get("two").unwrap().licence, "Apache-2.0");
    let error = both.require("four").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ModelNotFound);
    assert!(error.message().contains("one, two, three"), "{error}");
}

#[test]
fn an_unsound_entry_is_refused_with_its_name() {
    let good = entry("good");
    for (from, to) in [
        ("'good'", "'../good'"),
        ("'good'", "'.good'"),
        ("size = 7", "size = 0"),
        ("size = 7, ", ""),
        (HASH, "00FF"),
        ("'model.gguf', size", "'a/b', size"),
        ("'model.gguf', size", "'manifest.json', size"),
        ("'model.gguf' = 'm'", "'other' = 'm'"),
        ("'model.gguf' = 'm'", "'model.gguf' = 'm', 'more' = 'x'"),
        ("kind = 'chat'", "kind = 'chat'\nconvert = { step = 's', file = '../x' }"),
        ("kind = 'chat'", "kind = 'chat'\nconvert = { step = 's', file = 'x', sha256 = 'y' }"),
        ("kind = 'chat'", "kind = 'poem'"),
        ("kind = 'chat'", "kind = 'chat'\ncolour = 'red'"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Catalog::parse(&good.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidConfig, "{to}");
    }
    assert!(Catalog::parse(&(good.clone() + &good)).unwrap_err().message().contains("twice"));
    let unverified = good.replace("kind", "verified = false\nkind").replace("size = 7, ", "");
    assert!(Catalog::parse(&unverified.replace(&format!("sha256 = '{HASH}'"), "size = 1")).is_ok());
}

#[test]
fn a_fault_is_shown_with_its_line() {
    let error = Catalog::parse("[[artefact]]\nname = 'x'\nkind = 'poem'\n").unwrap_err();
    assert!(error.message().contains("line 3"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Catalog::parse(&text);
    }

    #[test]
    fn a_damaged_list_is_read_or_refused(at in 0usize..400, with in "[\\[\\]{}='\"\n,a-z0-9.]{0,6}") {
        let mut text = entry("one");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &with);
        if let Ok(catalog) = Catalog::parse(&text) {
            for artefact in catalog.list() {
                prop_assert!(is_file_name(&artefact.name));
                prop_assert!(artefact.files.iter().all(|file| is_file_name(&file.name)));
            }
        }
    }
}
