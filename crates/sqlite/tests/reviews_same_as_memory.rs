//! After any acts on what is held for a person, SQLite shows the same as the store in memory, and each item waits
//! or has ended, never anything between.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;
use yizhan_domain::{CallId, ErrorCode, KeyId, ModelName, Result, ReviewId, TenantId};
use yizhan_sqlite::Sqlite;
use yizhan_store::{
    Decision, ManualClock, MemoryStore, NewReview, Page, Review, ReviewFilter, ReviewSide, ReviewState, ReviewStore,
    Verdict,
};

const MOST: u64 = 4;
const TENANTS: [&str; 2] = ["bank", "clinic"];

#[derive(Clone, Debug)]
enum Act {
    Hold { tenant: usize, digest: u8, text: String },
    Decide { tenant: usize, item: usize, verdict: Verdict },
    Begin { tenant: usize, item: usize, call: u8 },
    End { tenant: usize, item: usize, call: u8, is_done: bool },
    Free,
    Tidy,
    Advance(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let verdict = prop_oneof![Just(Verdict::Approve), Just(Verdict::Reject), "[转账']{1,3}".prop_map(Verdict::Edit)];
    prop_oneof![
        4 => (0..2usize, 0..4u8, "[a转\"']{0,300}").prop_map(|(tenant, digest, text)| Act::Hold { tenant, digest, text }),
        4 => (0..2usize, 0..8usize, verdict).prop_map(|(tenant, item, verdict)| Act::Decide { tenant, item, verdict }),
        3 => (0..2usize, 0..8usize, 0..2u8).prop_map(|(tenant, item, call)| Act::Begin { tenant, item, call }),
        3 => (0..2usize, 0..8usize, 0..2u8, any::<bool>())
            .prop_map(|(tenant, item, call, is_done)| Act::End { tenant, item, call, is_done }),
        1 => Just(Act::Free),
        1 => Just(Act::Tidy),
        2 => (1..40u64).prop_map(Act::Advance),
    ]
}

/// A store, and the ids that it gave, in the same order for every store.
struct Subject<S> {
    store: S,
    ids: Vec<ReviewId>,
}

impl<S: ReviewStore> Subject<S> {
    fn id(&self, item: usize) -> ReviewId {
        self.ids.get(item).cloned().unwrap_or_else(|| ReviewId::new("rev-0"))
    }

    async fn take(&mut self, act: &Act) -> std::result::Result<Option<usize>, ErrorCode> {
        let call = |number: &u8| CallId::new(format!("call-{number}"));
        match act {
            Act::Begin { tenant, item, call: by } => {
                let begun = self.store.begin_use(&TENANTS[*tenant].into(), &self.id(*item), &call(by)).await;
                begun.map(|_| None).map_err(|error| error.code())
            }
            Act::End { tenant, item, call: by, is_done } => {
                let ended = self.store.end_use(&TENANTS[*tenant].into(), &self.id(*item), &call(by), *is_done).await;
                ended.map(|()| None).map_err(|error| error.code())
            }
            Act::Free => self.store.free_uses().await.map(|()| None).map_err(|error| error.code()),
            Act::Hold { tenant, digest, text } => {
                let held = self.store.hold(item(TENANTS[*tenant], *digest, text), seconds(60), MOST).await;
                let Some(id) = held.map_err(|error| error.code())? else { return Ok(None) };
                if !self.ids.contains(&id) {
                    self.ids.push(id.clone());
                }
                Ok(self.ids.iter().position(|known| *known == id))
            }
            Act::Decide { tenant, item, verdict } => {
                let id = self.id(*item);
                let decision = Decision { verdict: verdict.clone(), by: "key-r".into(), user: None, note: "n".into() };
                let decided = self.store.decide(&TENANTS[*tenant].into(), &id, decision, seconds(30)).await;
                decided.map(|_| None).map_err(|error| error.code())
            }
            Act::Tidy => {
                let gone = self.store.tidy_reviews(seconds(90)).await.map_err(|error| error.code())?;
                Ok(Some(usize::try_from(gone).unwrap()))
            }
            Act::Advance(_) => Ok(None),
        }
    }

    /// Everything that can be asked, with numbers in the place of ids.
    async fn shown(&self) -> Result<Vec<(Option<usize>, Review)>> {
        let mut all = Vec::new();
        for tenant in TENANTS {
            for state in ReviewState::ALL.iter().map(|state| Some(*state)).chain([None]) {
                let filter = ReviewFilter { state, oldest_first: state.is_none(), ..ReviewFilter::default() };
                let page = Page { after: None, limit: usize::MAX };
                all.extend(self.store.reviews(&TenantId::new(tenant), &filter, page).await?);
            }
            for id in &self.ids {
                all.extend(self.store.review(&TenantId::new(tenant), id).await?);
            }
        }
        let number = |review: Review| {
            let number = self.ids.iter().position(|id| *id == review.id);
            (number, Review { id: ReviewId::new(""), ..review })
        };
        Ok(all.into_iter().map(number).collect())
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn item(tenant: &str, digest: u8, text: &str) -> NewReview {
    NewReview {
        call: CallId::new("call-1"),
        tenant: TenantId::new(tenant),
        project: None,
        user: None,
        key: KeyId::new("key-1"),
        side: if digest == 0 { ReviewSide::Output } else { ReviewSide::Input },
        model: ModelName::new("m"),
        rules: vec!["r".into()],
        message: "m".into(),
        digest: if digest == 0 { String::new() } else { digest.to_string() },
        text: text.into(),
        held: json!({"text": text}),
        complete: digest != 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn acts_lead_to_the_same_and_nothing_is_stuck(acts in proptest::collection::vec(act(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let time = ManualClock::at(1_700_000_000_000);
        let mut memory = Subject { store: MemoryStore::with_clock(time.clock()), ids: Vec::new() };
        let sqlite = Sqlite::open_with_clock(directory.path(), time.clock()).unwrap();
        let mut sqlite = Subject { store: sqlite, ids: Vec::new() };
        runtime.block_on(async {
            for act in &acts {
                if let Act::Advance(by) = act {
                    time.advance(seconds(*by));
                }
                assert_eq!(memory.take(act).await, sqlite.take(act).await, "{act:?}");
                let shown = sqlite.shown().await.unwrap();
                assert_eq!(memory.shown().await.unwrap(), shown, "{act:?}");
                assert_eq!(memory.store.backlog().await.unwrap(), sqlite.store.backlog().await.unwrap(), "{act:?}");
                for (_, review) in &shown {
                    let waits = review.state == ReviewState::Waiting;
                    assert_eq!(waits, review.undecidable().is_none());
                    assert!(!waits || !review.over && review.decided.is_none(), "{review:?}");
                    let is_approval = matches!(review.state, ReviewState::Approved | ReviewState::Edited);
                    assert!(review.used.is_none() || is_approval && review.unusable().is_some(), "{review:?}");
                }
            }
            time.advance(seconds(200));
            sqlite.store.tidy_reviews(seconds(90)).await.unwrap();
            assert!(sqlite.shown().await.unwrap().is_empty(), "time ends everything");
        });
    }
}
