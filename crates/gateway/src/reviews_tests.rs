use super::*;
use yizhan_access::{Access, Credentials, KeyRequest, Role};
use yizhan_domain::{ModelName, UserId};
use yizhan_store::{AccountId, AccountStore, AccountTerms, ManualClock, MemoryStore, ReviewSide, ReviewState};

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

fn reviewer() -> Principal {
    Principal::local(TenantId::default_tenant())
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
        let error = reviews.decide(&reviewer(), &tenant, &id, verdict, note).await.unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some(about)));
    }
    assert_eq!(reviews.get(&tenant, &id).await.unwrap().state, ReviewState::Waiting);
    let edit = Verdict::Edit("x".repeat(1024));
    reviews.decide(&reviewer(), &tenant, &id, edit, "字".repeat(2000)).await.unwrap();
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
    reviews.decide(&reviewer(), &tenant, &first, Verdict::Approve, String::new()).await.unwrap();
    assert_eq!(reviews.backlog(), Backlog { waiting: 1, oldest_ms: Some(1_005_000) });
    time.advance(Duration::from_secs(24 * HOUR));
    reviews.tidy().await.unwrap();
    assert_eq!(reviews.backlog(), Backlog::default());
    let other = ReviewSettings { most_waiting: 0, ..ReviewSettings::default() };
    reviews.set_settings(other);
    let why = reviews.hold(item("c")).await.unwrap().unwrap_err();
    assert!(why.contains("blocked"), "{why}");
}

/// Somebody with a key, perhaps a user's.
async fn somebody(store: &MemoryStore, tenant: &TenantId, user: Option<&str>) -> Principal {
    let access = Access::new(Arc::new(store.clone()));
    let user = user.map(UserId::new);
    let needed = [Some(AccountId::Tenant(tenant.clone())), user.clone().map(|id| AccountId::User(tenant.clone(), id))];
    for id in needed.into_iter().flatten() {
        if store.account(&id).await.unwrap().is_none() {
            store.create_account(id, AccountTerms::default()).await.unwrap();
        }
    }
    let request = KeyRequest { name: "k".into(), role: Some(Role::Admin), user, ..KeyRequest::default() };
    let (secret, _) = access.issue_key(tenant, request).await.unwrap();
    let authorization = format!("Bearer {secret}");
    access.identify(&Credentials { authorization: Some(&authorization), ..Credentials::default() }).await.unwrap()
}

#[tokio::test]
async fn nobody_lets_a_call_of_their_own_pass() {
    let store = MemoryStore::new();
    let reviews = Reviews::new(Arc::new(store.clone()), ReviewSettings::default());
    let (bank, house) = (TenantId::new("bank"), TenantId::default_tenant());
    let (service, ann) = (somebody(&store, &bank, None).await, somebody(&store, &bank, Some("ann")).await);
    let (other, bob) = (somebody(&store, &bank, None).await, somebody(&store, &bank, Some("bob")).await);
    let anns_other_key = somebody(&store, &bank, Some("ann")).await;
    let another_ann = somebody(&store, &house, Some("ann")).await;
    let operator = somebody(&store, &house, None).await;
    reviews.set_operator(operator.key().clone());
    let local = Principal::local(bank.clone());
    for (what, caller, by, is_own) in [
        ("the same key", &service, &service, true),
        ("another key of no user", &service, &other, false),
        ("the same key of a user", &ann, &ann, true),
        ("another key of that user", &ann, &anns_other_key, true),
        ("another user", &ann, &bob, false),
        ("a key of no user", &ann, &service, false),
        ("another tenant's user of that name", &ann, &another_ann, false),
        ("the command line", &local, &local, false),
        ("the command line by way of the server", &operator, &operator, false),
    ] {
        for verdict in [Verdict::Approve, Verdict::Edit("x".into()), Verdict::Reject] {
            let (key, user) = (caller.key().clone(), caller.user().cloned());
            let id = reviews.hold(NewReview { tenant: bank.clone(), key, user, ..item("x") }).await.unwrap().unwrap();
            let decided = reviews.decide(by, &bank, &id, verdict.clone(), String::new()).await;
            if !is_own || verdict == Verdict::Reject {
                assert_eq!(decided.unwrap().state, verdict.state(), "{what}");
                continue;
            }
            let error = decided.unwrap_err();
            assert_eq!(error.code(), ErrorCode::PermissionDenied, "{what}");
            assert!(error.message().contains("somebody else") && error.message().contains("self_approval"), "{error}");
            assert_eq!(reviews.get(&bank, &id).await.unwrap().state, ReviewState::Waiting, "{what}");
            reviews.set_settings(ReviewSettings { self_approval: true, ..ReviewSettings::default() });
            reviews.decide(by, &bank, &id, verdict, String::new()).await.unwrap();
            reviews.set_settings(ReviewSettings::default());
        }
    }
}
