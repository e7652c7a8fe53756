//! The command line on a data folder that nobody serves.

use crate::support::{EMBEDDING, House, Ran, bare, need, sample};
use serde_json::{Value, json};

fn filled() -> House {
    let house = House::new();
    house.write("pump.md", "# Pump P-77\n\nThe pump P-77 needs oil every 500 hours.\n");
    house.write("parts/parts.csv", "part,price\nX-100,12\nX-200,40\n");
    house.write("hours.txt", "驿站九点开门，十八点关门。\n");
    house.text_base("manual");
    house
}

fn texts(found: &[Value]) -> Vec<&str> {
    found.iter().map(|one| one["text"].as_str().unwrap()).collect()
}

#[test]
fn bases_are_made_listed_shown_and_removed() {
    let house = House::new();
    let made = house.ok(&["base", "create", "first", "--embedding", "none", "--json"]).json();
    assert_eq!((&made["name"], &made["documents"], &made["chunks"]), (&json!("first"), &json!(0), &json!(0)));
    house.ok(&["base", "create", "第二", "--embedding", "none", "--chunking", "structure"]);
    house.run(&["base", "create", "first", "--embedding", "none"]).refused(1, &["first", "conflict"]);
    let names = |house: &House| -> Vec<Value> {
        let list = house.ok(&["base", "list", "--json"]).json();
        list.as_array().unwrap().iter().map(|base| base["name"].clone()).collect()
    };
    assert_eq!(names(&house), ["first", "第二"]);
    assert_eq!(house.base("first")["states"], json!({}));
    house.ok(&["base", "rm", "first"]);
    assert_eq!(names(&house), ["第二"]);
    house.run(&["base", "show", "first"]).refused(1, &["first", "yizhan base create first"]);
    house.run(&["base", "rm", "first"]).refused(1, &["first"]);
}

#[test]
fn every_document_gets_a_line_and_the_exit_status_tells_of_failures() {
    let house = filled();
    let ran = house.ingest("manual");
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut lines = ran.lines();
    lines.sort_by_key(|line| line["document"].to_string());
    assert_eq!(lines.len(), 3);
    for (line, name) in lines.iter().zip(["hours.txt", "parts.csv", "pump.md"]) {
        assert_eq!((&line["document"], &line["state"]), (&json!(name), &json!("ready")));
        assert!(line["reason"].is_null() && line["chunks"].as_u64() >= Some(1), "{line}");
    }
    house.write("wrong.pdf", b"this is no PDF");
    let ran = house.ingest("manual");
    assert_eq!(ran.code, 2, "{ran:?}");
    let failed: Vec<Value> = ran.lines().into_iter().filter(|line| line["state"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["document"], &failed[0]["chunks"]), (&json!("wrong.pdf"), &json!(0)));
    assert!(failed[0]["reason"].as_str().unwrap().contains("wrong.pdf"), "{failed:?}");
    let base = house.base("manual");
    assert_eq!((&base["documents"], &base["states"]), (&json!(4), &json!({"ready": 3, "failed": 1})));
    let shown = house.ok(&["base", "show", "manual", "--documents", "--json"]).lines();
    assert!(shown.contains(&failed[0]), "the reason is kept with the document: {shown:?}");
}

#[test]
fn the_same_again_changes_nothing_and_a_changed_file_replaces_its_chunks() {
    let house = filled();
    house.ingest("manual");
    let before = house.base("manual");
    let again = house.ingest("manual");
    assert_eq!((again.code, again.lines().len()), (0, 3));
    assert_eq!(house.base("manual"), before);
    assert_eq!(texts(&house.search("manual", "oil", &[])).len(), 1);

    house.write("pump.md", "# Pump P-77\n\nThe pump P-77 needs grease weekly.\n");
    assert_eq!(house.ingest("manual").code, 0);
    assert_eq!(house.base("manual")["documents"], before["documents"]);
    assert!(house.search("manual", "oil", &[]).is_empty(), "the old text is still found");
    let found = house.search("manual", "grease", &[]);
    assert!(texts(&found)[0].contains("grease weekly"), "{found:?}");
    assert_eq!(found.len(), 1);
}

#[test]
fn what_is_found_has_document_page_text_score_and_boxes() {
    let house = filled();
    house.ingest("manual");
    for (query, document) in [("P-77", "pump.md"), ("X-200", "parts.csv"), ("几点开门", "hours.txt")] {
        let found = house.search("manual", query, &[]);
        assert_eq!(found[0]["document"], document, "{found:?}");
        assert!(found[0]["score"].is_f64() && found[0]["text"].is_string(), "{found:?}");
        assert!(found[0]["page"].is_null() && found[0]["boxes"] == json!([]), "{found:?}");
    }
    assert!(house.search("manual", "zeppelin", &[]).is_empty());
}

#[test]
fn a_pdf_passage_has_its_page_and_boxes() {
    need("pdfium");
    let house = House::new();
    house.text_base("reports");
    house.ok(&["ingest", sample("field-report.pdf").to_str().unwrap(), "--base", "reports"]);
    let found = house.search("reports", "pump inspection report 报告 检查", &["-k", "1"]);
    let passage = found.first().expect("nothing found in the sample PDF");
    assert!(passage["page"].as_u64() >= Some(1), "{passage}");
    let boxes = passage["boxes"].as_array().unwrap();
    assert!(!boxes.is_empty());
    for rectangle in boxes {
        let [x0, y0, x1, y1] = [0, 1, 2, 3].map(|i| rectangle[i].as_f64().unwrap());
        assert!(0.0 <= x0 && x0 < x1 && 0.0 <= y0 && y0 < y1 && y1 < 2000.0, "{rectangle}");
    }
}

#[test]
fn meaning_is_found_across_languages() {
    need(EMBEDDING);
    let house = House::new();
    house.write("pump.txt", "The pump needs oil every 500 hours.\n");
    house.write("leave.txt", "Employees have thirty days of paid leave a year.\n");
    assert_eq!(house.ingest("manual").code, 0, "a base with default settings is made");
    assert_eq!(house.base("manual")["settings"]["embedding"], EMBEDDING);
    let found = house.search("manual", "员工每年有多少天年假？", &["--mode", "dense"]);
    assert_eq!(found[0]["document"], "leave.txt", "{found:?}");
    assert_eq!(house.search("manual", "oil", &["-k", "1"])[0]["document"], "pump.txt");
}

#[test]
fn tags_narrow_a_search() {
    let house = House::new();
    house.text_base("rules");
    let old = house.write("old.txt", "Visitors sign the book.");
    let new = house.write("new.txt", "Visitors show a badge.");
    house.ok(&["ingest", old.to_str().unwrap(), "--base", "rules", "--tag", "year=2019", "--tag", "draft"]);
    house.ok(&["ingest", new.to_str().unwrap(), "--base", "rules", "--tag", "year=2024"]);
    let found = |tags: &[&str]| -> Vec<Value> {
        house.search("rules", "visitors", tags).iter().map(|one| one["document"].clone()).collect()
    };
    assert_eq!(found(&[]).len(), 2);
    assert_eq!(found(&["--tag", "year=2024"]), ["new.txt"]);
    assert_eq!(found(&["--tag", "draft"]), ["old.txt"]);
    assert!(found(&["--tag", "year=2024", "--tag", "draft"]).is_empty());
    house.run(&["search", "visitors", "--base", "rules", "--tag", "=x"]).refused(1, &["=x", "KEY=VALUE"]);
}

#[test]
fn a_removed_base_is_gone_with_all_its_text() {
    let house = filled();
    house.ingest("manual");
    house.ok(&["base", "rm", "manual"]);
    house.run(&["search", "oil", "--base", "manual"]).refused(1, &["manual"]);
    house.text_base("manual");
    assert!(house.search("manual", "oil", &[]).is_empty());
    assert_eq!(house.base("manual")["documents"], 0);
}

#[test]
fn the_data_folder_is_named_before_or_after_the_command() {
    let house = House::new();
    let folder = house.data().join("other");
    let folder = folder.to_str().unwrap();
    let ran = |arguments: &[&str]| {
        let ran = Ran::of(bare(arguments));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    };
    ran(&["--data", folder, "base", "create", "one", "--embedding", "none"]);
    ran(&["base", "--data", folder, "create", "two", "--embedding", "none"]);
    ran(&["base", "create", "three", "--embedding", "none", "--data", folder]);
    for arguments in [["--data", folder, "base", "list", "--json"], ["base", "list", "--json", "--data", folder]] {
        assert_eq!(ran(&arguments).json().as_array().unwrap().len(), 3);
    }
    // The flag wins over the environment.
    assert_eq!(house.ok(&["base", "list", "--json"]).json(), json!([]));
    assert_eq!(house.ok(&["base", "list", "--json", "--data", folder]).json().as_array().unwrap().len(), 3);
}

#[test]
fn mistakes_are_told_in_a_sentence() {
    let house = filled();
    let refused = |arguments: &[&str], words: &[&str]| house.run(arguments).refused(1, words);
    refused(&["search", "oil", "--base", "nowhere"], &["nowhere", "yizhan base list", "not_found"]);
    refused(&["base", "create", "a b/c", "--embedding", "none"], &["a b/c", "letters"]);
    refused(&["base", "create", "x", "--embedding", "no-such-model"], &["no-such-model", "yizhan model list"]);
    refused(&["base", "create", "x", "--overlap", "128"], &["overlap"]);
    refused(&["ingest", "/no/such/folder", "--base", "manual"], &["/no/such/folder"]);
    refused(&["ask", "Who?", "--base", "nowhere"], &["nowhere"]);
    refused(&["model", "show", "no-such-model"], &["no-such-model"]);
    refused(&["eval", "retrieval", "--squad", "/no/such/file"], &["/no/such/file"]);
    refused(&["search", "oil", "--base", "manual", "--mode", "dense"], &["manual", "no vectors"]);
    refused(&["base", "list", "--data", "/proc/no-data-here"], &["/proc/no-data-here"]);
    let empty = house.documents().join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    refused(&["ingest", empty.to_str().unwrap(), "--base", "manual"], &["no file"]);
    let wrong = house.write("wrong.json", "{\"data\": 7}");
    refused(&["eval", "retrieval", "--squad", wrong.to_str().unwrap()], &["wrong.json"]);
    house.run(&["no-such-command"]).refused(2, &["no-such-command"]);
}

#[test]
fn a_folder_in_use_names_who_uses_it() {
    let house = House::new();
    house.text_base("manual");
    let lock = std::fs::File::open(house.data().join("lock")).unwrap();
    lock.lock().unwrap();
    house.run(&["base", "list"]).refused(1, &["Another yizhan process", "--data"]);
    drop(lock);
    house.ok(&["base", "list"]);
}

#[test]
fn a_missing_model_is_named_and_keeps_no_other_base_from_work() {
    let house = filled();
    let nothing = house.documents().join("no-models");
    let run = |arguments: &[&str]| {
        let mut command = house.command(arguments);
        command.env("YIZHAN_CACHE", &nothing);
        Ran::of(command)
    };
    assert_eq!(run(&["base", "create", "vectors"]).code, 0, "the model may be pulled later");
    let documents = house.documents();
    let documents = documents.to_str().unwrap();
    run(&["ingest", documents, "--base", "vectors"]).refused(1, &["yizhan model pull multilingual-e5-small"]);
    run(&["ask", "Who?", "--base", "manual"]).refused(1, &["No chat model", "yizhan model list"]);
    for served in [false, true] {
        let _server = served.then(|| house.serve_with(&nothing));
        for again in [false, true] {
            let ran = run(&["ingest", documents, "--base", "manual"]);
            assert_eq!(ran.code, 0, "served {served}, again {again}: {ran:?}");
        }
    }
    assert_eq!(run(&["base", "rm", "vectors"]).code, 0);
}

#[test]
fn completions_and_doctor_speak_to_programs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Ran::of(bare(&["completions", shell]));
        assert_eq!(script.code, 0);
        assert!(script.stdout.contains("yizhan") && script.stdout.contains("ingest"), "{shell}");
    }
    let house = House::new();
    let findings = house.ok(&["doctor", "--json", "--listen", "127.0.0.1:0"]).lines();
    for check in ["processor", "memory", "data folder", "model folder", "pdf", "embedding", "chat", "port"] {
        let finding = findings.iter().find(|finding| finding["check"] == check).expect(check);
        assert!(["ok", "warn"].contains(&finding["level"].as_str().unwrap()), "{finding}");
        assert!(finding["message"].is_string());
        assert_eq!(finding["level"] == "warn", finding["advice"].is_string(), "{finding}");
    }
    assert!(!house.data().exists(), "doctor only looks");
}

#[test]
fn retrieval_is_measured_on_a_squad_file() {
    let house = House::new();
    let paragraph = |id: usize, context: &str, question: &str, answer: &str| {
        let start = context.find(answer).unwrap();
        json!({"context": context, "qas": [{"id": id.to_string(), "question": question,
            "answers": [{"text": answer, "answer_start": start}]}]})
    };
    let paragraphs = [
        paragraph(1, "Oil the pump every 500 hours.", "How often is the pump oiled?", "500 hours"),
        paragraph(2, "The station opens at nine.", "When does the station open?", "nine"),
        paragraph(3, "Batteries are kept dry and cool.", "How are batteries kept?", "dry and cool"),
    ];
    let set = json!({"version": "1", "data": [{"title": "t", "paragraphs": paragraphs}]});
    let file = house.write("squad.json", set.to_string());
    let file = file.to_str().unwrap();
    let measure = |more: &[&str]| {
        let fixed = ["eval", "retrieval", "--squad", file, "--embedding", "none", "--json"];
        house.ok(&[&fixed, more].concat()).json()
    };
    let report = measure(&["--base-mode", "bm25"]);
    assert_eq!((&report["passages"], &report["questions"]), (&json!(3), &json!(3)));
    for metric in ["hit@1", "hit@5", "hit@10", "recall@10", "MRR@10", "nDCG@10"] {
        let figures = &report["modes"]["bm25"][metric];
        let [value, low, high] = ["value", "low", "high"].map(|name| figures[name].as_f64().unwrap());
        assert!(value == 1.0 && low <= value && value <= high, "{metric}: {figures}");
    }
    for mode in ["dense", "hybrid"] {
        let without = ["eval", "retrieval", "--squad", file, "--embedding", "none", "--base-mode", mode];
        house.run(&without).refused(1, &["only bm25"]);
    }
    let limited = measure(&["--limit", "2"]);
    assert_eq!((&limited["passages"], &limited["questions"]), (&json!(3), &json!(2)));
    assert_eq!(limited["modes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["bm25"]);
    assert!(!house.data().exists(), "measuring leaves the data folder alone");
}
