use super::{CategoryScore, ModerationInput, ModerationRequest, ModerationResult, moderation_reply};
use serde_json::{Value, json};

fn text(text: &str) -> ModerationInput {
    ModerationInput { text: text.into(), images: Vec::new() }
}

#[test]
fn inputs_of_all_forms() {
    let read = |input: Value| ModerationRequest::read(json!({"input": input})).unwrap().inputs;
    assert_eq!(read(json!("a")), [text("a")]);
    assert_eq!(read(json!(["a", "b"])), [text("a"), text("b")]);
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    let parts = json!([{"type": "text", "text": "a"}, image, {"type": "text", "text": "b"}]);
    assert_eq!(
        read(parts),
        [ModerationInput { text: "a\nb".into(), images: vec!["https://example.com/a.png".into()] }]
    );
}

#[test]
fn errors_name_the_field() {
    for (input, wanted) in [
        (Value::Null, "input"),
        (json!(1), "input"),
        (json!([]), "input"),
        (json!(["a", 1]), "input[1]"),
        (json!([{"type": "text", "text": "a"}, "b"]), "input[1]"),
        (json!([{"type": "audio"}]), "input[0].type"),
        (json!([{"type": "image_url", "image_url": {}}]), "input[0].image_url.url"),
    ] {
        let error = ModerationRequest::read(json!({"input": input})).unwrap_err();
        assert_eq!(error.parameter(), Some(wanted), "{input}");
    }
}

#[test]
fn a_reply_has_openais_categories_and_our_own() {
    let score = |category: &str, score, flagged| CategoryScore {
        category: category.into(),
        score,
        flagged,
        text: true,
        image: false,
    };
    let results = [
        ModerationResult { categories: vec![score("violence", 0.25, false), score("pii/id-card", 1.0, true)] },
        ModerationResult::default(),
    ];
    let reply = moderation_reply("modr-1", "rules", &results);
    let wanted: Value = serde_json::from_str(include_str!("../../testdata/moderation.json")).unwrap();
    assert_eq!(reply, wanted);
}
