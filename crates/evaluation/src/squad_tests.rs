use super::*;
use proptest::prelude::*;

#[test]
fn version_1_and_2_are_read_and_what_has_no_answer_is_left_out() {
    let text = r#"{"version":"v2.0","data":[
        {"title":"甲","paragraphs":[
            {"context":"one","qas":[
                {"id":"q1","question":"Q1?","answers":[{"text":"one","answer_start":0}]},
                {"id":"q2","question":"Q2?","answers":[],"is_impossible":true},
                {"id":"q3","question":"Q3?","is_impossible":true,"answers":[],"plausible_answers":[{"text":"x"}]},
                {"id":"q4","question":"Q4?","answers":[]}]},
            {"context":"two","qas":[{"id":5,"question":"Q5?"}]}]},
        {"title":"乙","paragraphs":[
            {"context":"one","qas":[{"question":"Q6?","answers":["a"]}]},
            {"context":"three","qas":[]}]}]}"#;
    let set = RetrievalSet::from_squad(text).unwrap();
    let texts: Vec<_> = set.passages.iter().map(|passage| (passage.title.as_str(), passage.text.as_str())).collect();
    assert_eq!(texts, [("甲", "one"), ("甲", "two"), ("乙", "three")]);
    let asked: Vec<_> =
        set.questions.iter().map(|question| (question.id.as_str(), &*question.text, question.relevant[0])).collect();
    assert_eq!(asked, [("q1", "Q1?", 0), ("5", "Q5?", 1), ("", "Q6?", 0)]);
    let limited = set.limit_questions(1);
    assert_eq!((limited.passages.len(), limited.questions.len()), (3, 1));
}

#[test]
fn cmrc2018_is_read_in_its_own_shape_too() {
    let own = "\u{feff}[{\"context_id\":\"C0\",\"title\":\"战国\",\"context_text\":\"由光荣开发\",\"qas\":[\
               {\"query_text\":\"谁开发？\",\"query_id\":\"C0_Q0\",\"answers\":[\"光荣\",\"光荣\"]}]}]";
    let shaped = "{\"version\":\"v1.0\",\"data\":[{\"id\":\"C0\",\"title\":\"战国\",\"paragraphs\":[{\"id\":\"C0\",\
                  \"context\":\"由光荣开发\",\"qas\":[{\"question\":\"谁开发？\",\"id\":\"C0_Q0\",\"answers\":\
                  [{\"text\":\"光荣\",\"answer_start\":1}]}]}]}]}";
    let set = RetrievalSet::from_squad(own).unwrap();
    assert_eq!(set, RetrievalSet::from_squad(shaped).unwrap());
    assert_eq!(set.questions[0].id, "C0_Q0");
}

#[test]
fn a_file_of_another_shape_is_explained() {
    for (text, reason) in [
        ("", "EOF"),
        ("{}", "missing field `data`"),
        ("{\"data\":[]}", "no question"),
        ("{\"data\":[{\"paragraphs\":[{\"qas\":[]}]}]}", "missing field `context`"),
        ("[{\"context_text\":\"x\",\"qas\":[{\"query_text\":\"q\",\"answers\":[]}]}]", "no question"),
    ] {
        let error = RetrievalSet::from_squad(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert!(error.message().contains(reason), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
        let _ = RetrievalSet::from_squad(&text);
    }

    #[test]
    fn every_question_points_to_its_paragraph(contexts in proptest::collection::vec("[a-c]{1,2}", 1..20)) {
        let paragraphs: Vec<_> = contexts
            .iter()
            .map(|context| serde_json::json!({ "context": context, "qas": [{ "question": context, "answers": ["x"] }] }))
            .collect();
        let text = serde_json::json!({ "version": "1", "data": [{ "paragraphs": paragraphs }] }).to_string();
        let set = RetrievalSet::from_squad(&text).unwrap();
        prop_assert_eq!(set.questions.len(), contexts.len());
        for question in &set.questions {
            prop_assert_eq!(&set.passages[question.relevant[0]].text, &question.text);
        }
        let distinct: std::collections::HashSet<_> = contexts.iter().collect();
        prop_assert_eq!(set.passages.len(), distinct.len());
    }
}
