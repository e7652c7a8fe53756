use super::*;
use yizhan_domain::{CallId, KeyId, ModelName};
use yizhan_store::{ManualClock, MemoryStore, ReviewSide, ReviewState};

fn item(text: &str) -> NewReview {
    NewReview {
        call: CallId::random(),
        tenant: TenantId::default_tenant(),
        project: None,
        user: None,
        key: KeyId::new("local"),
        side: ReviewSide::Output,
        model: ModelName::new("m"),
        rules: vec!["r".into()],
        message: String::new(),
        digest: String::new(),
        text: text.into(),
        held: serde_json::Value::Null,
        complete: true,
    }
}

fn decision(verdict: Verdict, note: &str) -> Decision {
    Decision { verdict, by: KeyId::new("key-r"), user: None, note: note.into() }
}

#[test]
fn bounds_that_hold_nothing_are_refused() {
    ReviewSettings::default().check().unwrap();
    let good = ReviewSettings::default();
    for wrong in [
        ReviewSettings { wait_hours: 0, ..good },
        ReviewSettings { use_hours: 0, ..good },
        ReviewSettings { keep_days: 0, ..good },
        ReviewSettings { most_kib: 0, ..good },
        ReviewSettings { most_kib: 1 << 20, ..good },
    ] {
        let error = wrong.check().unwrap_err();
        assert!(error.code() == ErrorCode::InvalidConfig && error.message().contains("[review]"), "{error}");
    }
}

#[tokio::test]
async fn a_text_or_note_that_is_none_or_too_long_decides_nothing() {
    let settings = ReviewSettings { most_kib: 1, ..ReviewSettings::default() };
    let (tenant, reviews) = (TenantId::default_tenant(), Reviews::new(Arc::new(MemoryStore::new()), settings));
    let id = reviews.hold(item("x")).await.unwrap().unwrap();
    for (verdict, note, about) in [
        (Verdict::Edit(" \n".into()), String::new(), "text"),
        (Verdict::Edit("x".repeat(1025)), String::new(), "text"),
        (Verdict::Approve, "字".repeat(2001), "note"),
    ] {
        let error = reviews.decide(&tenant, &id, decision(verdict, &note)).await.unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some(about)));
    }
    assert_eq!(reviews.get(&tenant, &id).await.unwrap().state, ReviewState::Waiting);
    let edit = Verdict::Edit("x".repeat(1024));
    reviews.decide(&tenant, &id, decision(edit, &"字".repeat(2000))).await.unwrap();
}

#[tokio::test]
async fn what_waits_is_counted_after_every_change() {
    let time = ManualClock::at(1_000_000);
    let reviews = Reviews::new(Arc::new(MemoryStore::with_clock(time.clock())), ReviewSettings::default());
    let tenant = TenantId::default_tenant();
    let first = reviews.hold(item("a")).await.unwrap().unwrap();
    time.advance(Duration::from_secs(5));
    reviews.hold(item("b")).await.unwrap().unwrap();
    assert_eq!(reviews.backlog(), Backlog { waiting: 2, oldest_ms: Some(1_000_000) });
    reviews.decide(&tenant, &first, decision(Verdict::Approve, "")).await.unwrap();
    assert_eq!(reviews.backlog(), Backlog { waiting: 1, oldest_ms: Some(1_005_000) });
    time.advance(Duration::from_secs(24 * HOUR));
    reviews.tidy().await.unwrap();
    assert_eq!(reviews.backlog(), Backlog::default());
    let other = ReviewSettings { most_waiting: 0, ..ReviewSettings::default() };
    reviews.set_settings(other);
    let why = reviews.hold(item("c")).await.unwrap().unwrap_err();
    assert!(why.contains("blocked"), "{why}");
}
