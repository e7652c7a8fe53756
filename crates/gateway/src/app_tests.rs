use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join(FILE), text).unwrap();
    }
    folder
}

#[test]
fn an_application_is_read_whole() {
    let text = "
description: Answers from the manual
model: some-model
prompt:
  role: You are a clerk.
  task: Answer.
  constraints: [Be brief.]
  examples: [{question: a, answer: b}]
knowledge: [manuals]
retrieval: {mode: bm25, top: 5, sources: 2}
sampling: {temperature: 0.2, max_tokens: 99}
";
    let folder = folder(&[("manual-qa", text)]);
    let apps = Apps::open(folder.path()).unwrap();
    let app = apps.get("manual-qa").unwrap().unwrap();
    assert_eq!(app.knowledge, ["manuals"]);
    assert_eq!((app.retrieval.mode, app.retrieval.top), (SearchMode::Bm25, 5));
    assert_eq!(app.prompt.examples[0].answer, "b");
    assert_eq!(apps.names(), ["manual-qa"]);
    assert!(apps.get("../manual-qa").unwrap().is_none());
    assert!(apps.get("other").unwrap().is_none());
}

#[test]
fn a_wrong_file_is_refused_with_its_line() {
    for (text, expected) in [
        ("knowledge: [a]\nretrival: {}\n", "line 2"),
        ("prompt:\n  role: [unclosed\n", "line"),
        ("retrieval:\n  top: many\n", "line 2"),
        ("retrieval:\n  top: 0\n", "retrieval.top"),
    ] {
        let folder = folder(&[("bad", text)]);
        let error = Apps::open(folder.path()).err().unwrap();
        assert_eq!(error.code(), ErrorCode::InvalidConfig);
        assert!(error.message().contains(expected) && error.message().contains("app.yaml"), "{error}");
    }
}

#[test]
fn a_change_is_seen_and_a_broken_change_keeps_the_last_good_one() {
    let folder = folder(&[("qa", "description: one\n")]);
    let apps = Apps::open(folder.path()).unwrap();
    let path = folder.path().join("qa").join(FILE);
    let rewrite = |text: &str, second: u64| {
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
    };
    let description = || apps.get("qa").unwrap().unwrap().description.clone();
    assert_eq!(description(), "one");
    rewrite("description: two\n", 1);
    assert_eq!(description(), "two");
    rewrite("descriptoin: three\n", 2);
    assert_eq!(description(), "two");
    std::fs::remove_file(&path).unwrap();
    assert!(apps.get("qa").unwrap().is_none());
}

#[test]
fn a_new_application_is_found_once_its_name_is_looked_for_again() {
    let folder = folder(&[("qa", "description: one\n")]);
    let apps = Apps::open(folder.path()).unwrap();
    assert!(apps.get("faq").unwrap().is_none());
    std::fs::rename(folder.path().join("qa"), folder.path().join("faq")).unwrap();
    assert!(apps.get("qa").unwrap().is_none(), "one that goes is gone at once");
    assert!(apps.get("faq").unwrap().is_none());
    let mut absent = apps.absent.write();
    absent.since = absent.since.checked_sub(ABSENT_FOR).unwrap();
    drop(absent);
    assert_eq!(apps.get("faq").unwrap().unwrap().description, "one");
}

#[test]
fn names_that_callers_make_up_do_not_pile_up() {
    let apps = Apps::open(folder(&[]).path()).unwrap();
    for number in 0..3 * MOST_ABSENT {
        assert!(apps.get(&number.to_string()).unwrap().is_none());
    }
    assert!(apps.absent.read().names.len() <= MOST_ABSENT);
}
