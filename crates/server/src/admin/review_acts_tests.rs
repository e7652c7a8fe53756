use super::*;
use yizhan_domain::{CallId, ErrorCode};
use yizhan_store::{Decided, NewReview};

fn query(fields: &[(&str, &str)]) -> Result<(ReviewFilter, Page)> {
    let fields: Vec<(String, String)> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read_query(&fields)
}

fn review(side: ReviewSide, state: ReviewState, edited: Option<&str>) -> Review {
    let events = json!([{"event": "text", "delta": "raw"}, {"event": "finish", "reason": "stop"}]);
    let decided = (state != ReviewState::Waiting).then(|| Decided {
        by: KeyId::new("key-r"),
        user: None,
        at_ms: 2_000,
        note: "n".into(),
        edited: edited.map(str::to_owned),
    });
    Review {
        id: ReviewId::new("rev-1"),
        item: NewReview {
            call: CallId::new("call-7"),
            tenant: TenantId::new("bank"),
            project: None,
            user: None,
            key: KeyId::new("key-1"),
            side,
            model: ModelName::new("m"),
            rules: vec!["r".into()],
            message: "wait".into(),
            digest: "d".into(),
            text: "raw".into(),
            held: json!({"request": {"messages": []}, "events": events}),
            complete: true,
        },
        state,
        created_ms: 1_000,
        expires_ms: 9_000,
        over: false,
        decided,
        used: None,
    }
}

#[test]
fn a_query_says_which_and_how_many() {
    let (filter, page) = query(&[]).unwrap();
    assert_eq!((filter, page.limit), (ReviewFilter::default(), 20));
    let (filter, page) =
        query(&[("state", "waiting"), ("side", "output"), ("order", "asc"), ("limit", "1000"), ("after", "rev-1")])
            .unwrap();
    assert_eq!((filter.state, filter.side), (Some(ReviewState::Waiting), Some(ReviewSide::Output)));
    assert_eq!((filter.oldest_first, page.limit, page.after.as_deref()), (true, 1000, Some("rev-1")));
    for (name, value) in
        [("state", "open"), ("side", "in"), ("order", "up"), ("limit", "0"), ("limit", "x"), ("before", "rev-1")]
    {
        let error = query(&[(name, value)]).unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some(name)), "{error}");
    }
}

#[test]
fn a_caller_gets_the_answer_only_once_it_may_go_out() {
    use ReviewSide::{Input, Output};
    for (state, edited, expected) in [
        (ReviewState::Waiting, None, None),
        (ReviewState::Rejected, None, None),
        (ReviewState::Expired, None, None),
        (ReviewState::Approved, None, Some("raw")),
        (ReviewState::Edited, Some("mild"), Some("mild")),
    ] {
        let object = of_caller(&review(Output, state, edited));
        assert_eq!(object["answer"]["choices"][0]["message"]["content"].as_str(), expected, "{object}");
        assert!(expected == Some("raw") || !object.to_string().contains("raw"), "{object}");
        assert!(object.get("rules").is_none() && object.get("decided_by").is_none(), "{object}");
    }
    let object = of_caller(&review(Input, ReviewState::Edited, Some("mild")));
    assert_eq!((&object["edited"], object.get("answer")), (&json!("mild"), None));
}

#[test]
fn a_reviewer_sees_all_of_it_and_who_decided() {
    let object = whole(&review(ReviewSide::Output, ReviewState::Approved, None));
    assert_eq!(object["answer"]["id"], "chatcmpl-7");
    assert_eq!(object["request"], json!({"messages": []}));
    assert_eq!((&object["decided_by"], &object["decided_ms"]), (&json!("key-r"), &json!(2_000)));
    let listed = brief(&review(ReviewSide::Output, ReviewState::Waiting, None));
    assert!(listed.get("request").is_none() && listed["decided_by"].is_null() && listed["edited"].is_null());
}
