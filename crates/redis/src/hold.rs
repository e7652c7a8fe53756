//! What one call holds in Redis.
//!
//! It does not know whether it is allowed, or when Redis hears of its end.

use crate::limiter::{Shared, Taken, Want};
use crate::periods::Periods;
use crate::script::is_lasting;
use async_trait::async_trait;
use std::sync::Arc;
use yizhan_access::{Hold, Refusal, Standing, Subject};
use yizhan_domain::{Money, Result};

pub(crate) struct RedisHold {
    shared: Arc<Shared>,
    id: Arc<str>,
    subjects: Arc<[Arc<Subject>]>,
    /// Money by when it was set aside.
    parts: Vec<(Arc<Periods>, Money)>,
    standing: Standing,
    /// Redis has something to settle.
    is_lasting: bool,
}

impl RedisHold {
    pub(crate) fn new(
        shared: Arc<Shared>,
        id: Arc<str>,
        subjects: Vec<Arc<Subject>>,
        want: Want,
        taken: Taken,
    ) -> Self {
        let (is_lasting, subjects) = (is_lasting(&subjects), Arc::<[_]>::from(subjects));
        if is_lasting {
            shared.running.begin(id.clone(), subjects.clone());
        }
        let Taken { standing, periods } = taken;
        Self { shared, id, subjects, parts: vec![(periods, want.money)], standing, is_lasting }
    }

    /// Notes what was spent for the store, in the periods from which Redis takes it too.
    fn note(&self, money: Money) {
        let Some(ledger) = &self.shared.ledger else { return };
        let mut left = money;
        for (number, (periods, held)) in self.parts.iter().enumerate() {
            let used = if number + 1 == self.parts.len() { left } else { left.min(*held) };
            left = left - used;
            for subject in self.subjects.iter() {
                for (limit, period) in [(subject.per_day, &periods.day), (subject.per_month, &periods.month)] {
                    if limit.is_some() {
                        ledger.add(&subject.id, &period.name, used);
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Hold for RedisHold {
    async fn top_up(&mut self, tokens: u64, money: Money) -> Result<Option<Refusal>> {
        // Where the answer is lost, the settlement still gives back everything that was taken for this call.
        match self.shared.take(&self.id, &self.subjects, Want { requests: 0, tokens, money }).await? {
            Ok(taken) => {
                self.standing = taken.standing;
                match self.parts.last_mut() {
                    Some((periods, held)) if *periods == taken.periods => *held += money,
                    _ => self.parts.push((taken.periods, money)),
                }
                Ok(None)
            }
            Err(refusal) => Ok(Some(refusal)),
        }
    }

    fn standing(&self) -> Standing {
        self.standing
    }

    fn settle(self: Box<Self>, tokens: u64, money: Money) {
        if self.is_lasting {
            self.note(money);
            self.shared.settle(&self.id, &self.subjects, tokens, money);
        }
    }
}

impl Drop for RedisHold {
    fn drop(&mut self) {
        if self.is_lasting {
            self.shared.running.end(&self.id);
        }
    }
}
