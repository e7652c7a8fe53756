//! Answers that were given before, on the gateway's path: looked up, and watched so that they can be kept.
//!
//! It does not know how the cache compares requests.

use crate::call::{Call, Safe};
use crate::chat::{Begun, Gateway, expected};
use crate::target::Target;
use crate::underway::Walk;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use yizhan_audit::Cached;
use yizhan_cache::{Answer, Digest, Found, LookedUp, Pace, Partition};
use yizhan_domain::{ModelName, Result};
use yizhan_guard::Expected;
use yizhan_knowledge::Grounding;
use yizhan_model::EventStream;
use yizhan_telemetry::{Outgoing, Step};

impl Gateway {
    /// The answer that was given before, if there is one.
    pub(crate) async fn remember(&self, call: &Call<Safe>, target: &Target, walk: &mut Walk) -> Option<Begun> {
        let cache = Arc::clone(walk.policy.cache.as_ref()?);
        walk.enter(Step::Cache);
        let partition = match self.partition(call, target).await {
            Ok(partition) => partition,
            Err(error) => {
                tracing::warn!(%error, "the cache is not asked: what the documents' state is cannot be read");
                return None;
            }
        };
        let mut request = call.request.clone();
        target.sampling.complete(&mut request.sampling);
        let app = target.app.as_ref().map(|app| ModelName::new(app.as_str()));
        let looking = cache.look_up(&partition, app.as_ref(), &request, call.caller.cache);
        let looked_up = Outgoing::along(walk.outgoing(), looking).await;
        walk.leave();
        match looked_up {
            LookedUp::Hit(hit) => {
                let grounding = sources(&hit.answer).ok()?;
                walk.journal.record.cache = match hit.found {
                    Found::Exact => Cached::Exact,
                    Found::Similar { .. } => Cached::Semantic,
                };
                let pace = if request.streamed { Pace::Pieces { pause: Duration::ZERO } } else { Pace::AtOnce };
                let expected = Expected { warnings: call.state.warnings.clone(), ..expected(&request) };
                Some(Begun { name: call.model.clone(), events: hit.stream(pace), grounding, expected })
            }
            LookedUp::Miss(pending) => {
                walk.pending = pending;
                None
            }
            LookedUp::Off(_) => None,
        }
    }

    /// Which answers may stand for this one. Documents are read after this, so an answer never knows less of
    /// them than its partition says.
    async fn partition(&self, call: &Call<Safe>, target: &Target) -> Result<Partition> {
        let tenant = call.caller.principal.tenant().clone();
        let mut partition = Partition::new(tenant, call.model.clone(), target.route.name().clone());
        if target.app.is_none() && target.bases.is_empty() {
            return Ok(partition);
        }
        let store = &self.knowledge.parts().store;
        let (mut matching, wishes) = (Vec::new(), &call.retrieval);
        for base in &target.bases {
            partition.knowledge.insert(base.id.clone(), store.last_sequence(&base.id).await?);
            // Attributes change without a trace; what they select is looked at instead.
            if let Some(filter) = &wishes.filter {
                matching.push(store.documents_matching(&base.id, filter).await?);
            }
        }
        let bases: Vec<&str> = target.bases.iter().map(|base| base.id.as_str()).collect();
        let version = (&target.app, &target.instructions, &target.retrieval, bases, wishes, matching);
        partition.prompt = Some(Digest::of(&version));
        Ok(partition)
    }
}

/// The sources that were kept beside an answer from documents.
fn sources(answer: &Answer) -> serde_json::Result<Option<Grounding>> {
    answer.beside.as_ref().map(Grounding::deserialize).transpose()
}

/// Keeps the sources beside the answer that is being made, for the citations of those who get it later.
pub(crate) fn keep_sources(grounding: &Grounding, walk: &mut Walk) {
    let Some(pending) = &walk.pending else { return };
    match serde_json::to_value(grounding) {
        Ok(sources) => pending.beside(sources),
        // Without its sources the answer is worth nothing to others.
        Err(_) => walk.pending = None,
    }
}

/// Watches an answer that may be kept. That of another model than the first choice is not.
pub(crate) fn watched(events: EventStream, walk: &mut Walk) -> EventStream {
    let trail = &walk.journal.trail;
    let Some(pending) = walk.pending.take().filter(|_| !trail.fell_back()) else { return events };
    if let Some(answered) = trail.answered() {
        pending.served(&*answered.provider, answered.model);
    }
    let events = pending.record(events);
    walk.pending = Some(pending);
    events
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
