//! Answers that were given before, on the gateway's path: looked up, and watched so that they can be kept.
//!
//! It does not know how the cache compares requests.

use crate::call::{Call, Safe};
use crate::chat::{Begun, expected};
use crate::target::Target;
use crate::underway::Walk;
use std::sync::Arc;
use yizhan_audit::Cached;
use yizhan_cache::{Digest, Found, LookedUp, Pace, Partition};
use yizhan_domain::ModelName;
use yizhan_guard::Expected;
use yizhan_model::EventStream;
use yizhan_telemetry::{Outgoing, Step};

/// The answer that was given before, if there is one. Answers from documents are not kept yet: their
/// citations need the sources.
pub(crate) async fn remember(call: &Call<Safe>, target: &Target, walk: &mut Walk) -> Option<Begun> {
    let cache = Arc::clone(walk.policy.cache.as_ref().filter(|_| target.bases.is_empty())?);
    walk.enter(Step::Cache);
    let tenant = call.caller.principal.tenant().clone();
    let mut partition = Partition::new(tenant, call.model.clone(), target.route.name().clone());
    partition.prompt = target.app.as_ref().map(|app| Digest::of(&(app, &target.instructions)));
    let mut request = call.request.clone();
    target.sampling.complete(&mut request.sampling);
    let app = target.app.as_ref().map(|app| ModelName::new(app.as_str()));
    let looking = cache.look_up(&partition, app.as_ref(), &request, call.caller.cache);
    let looked_up = Outgoing::along(walk.outgoing(), looking).await;
    walk.leave();
    match looked_up {
        LookedUp::Hit(hit) => {
            walk.journal.record.cache = match hit.found {
                Found::Exact => Cached::Exact,
                Found::Similar { .. } => Cached::Semantic,
            };
            let pace = if request.streamed { Pace::Pieces { pause: std::time::Duration::ZERO } } else { Pace::AtOnce };
            let expected = Expected { warnings: call.state.warnings.clone(), ..expected(&request) };
            Some(Begun { name: call.model.clone(), events: hit.stream(pace), grounding: None, expected })
        }
        LookedUp::Miss(pending) => {
            walk.pending = pending;
            None
        }
        LookedUp::Off(_) => None,
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
