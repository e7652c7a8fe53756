use super::*;

fn report() -> Report {
    let rankings = [Ranking::new(&[0, 1], &[0]), Ranking::new(&[0, 1], &[1])];
    let times = [Duration::from_millis(1), Duration::from_millis(3)];
    let metrics = &[Metric::Hit(1), Metric::Mrr(10)];
    let modes = vec![Mode::new("bm25", metrics, &rankings, &times), Mode::new("混合", metrics, &rankings, &[])];
    Report { passages: 2, questions: 2, modes }
}

#[test]
fn json_has_the_promised_shape() {
    let json = report().to_json();
    assert_eq!((&json["passages"], &json["questions"]), (&json!(2), &json!(2)));
    let names: Vec<_> = json["modes"]["bm25"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["hit@1", "MRR@10", "milliseconds"]);
    assert_eq!(json["modes"]["bm25"]["hit@1"], json!({ "value": 0.5, "low": 0.0, "high": 1.0 }));
    assert_eq!(json["modes"]["bm25"]["MRR@10"]["value"], 0.75);
    assert_eq!(json["modes"]["bm25"]["milliseconds"]["value"], 2.0);
    assert_eq!(json["modes"]["bm25"]["milliseconds"]["p50"], 2.0);
    assert!(json["modes"]["混合"].get("milliseconds").is_none());
    assert_eq!(report().modes[0].figure(Metric::Mrr(10)).unwrap().value, 0.75);
}

#[test]
fn the_table_is_aligned_in_both_scripts() {
    let table = report().to_table();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "2 passages, 2 questions");
    assert_eq!(lines[1], "mode  metric    value   95 % interval          n");
    assert_eq!(lines[2], "bm25  hit@1     0.5000  0.0000 – 1.0000        2");
    assert_eq!(lines[5], "混合  hit@1     0.5000  0.0000 – 1.0000        2");
    let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].width());
    assert_eq!(column(lines[2], "hit@1"), column(lines[5], "hit@1"));
    assert!(lines.iter().all(|line| line.trim_end() == *line));
}
