//! The way of a chat call, told once.
//!
//! ```text
//! Call<Known> → what the name stands for → permit → rules → Call<Safe> → cache → a place → Call<Grounded>
//!   → the route answers → counted → rules → citations checked → recorded → Reply
//! ```
//!
//! It does not know how any of the steps is done.

use crate::app::Apps;
use crate::call::{Call, Grounded, GroundedBy, Known, Safe};
use crate::content::{self, Said};
use crate::held::guard;
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::memory::{keep_sources, watched};
use crate::policy::Policy;
use crate::recorded::{Account, Recorded};
use crate::reply::{Checked, Reply};
use crate::reviews::Reviews;
use crate::seen::{Counted, Seen};
use crate::target::Target;
use crate::texts::Texts;
use crate::underway::{Underway, Walk};
use futures_util::stream;
use parking_lot::RwLock;
use std::sync::Arc;
use yizhan_access::{Access, Permit};
use yizhan_admission::{Queue, Step};
use yizhan_audit::{Cached, Kind};
use yizhan_domain::{Error, ErrorCode, FinishReason, Message, ModelName, Result, Role, Usage};
use yizhan_guard::Expected;
use yizhan_knowledge::{Found, Grounding, Knowledge, Language, Relevance, SearchOptions};
use yizhan_model::{ChatEvent, ChatRequest, EventStream, ResponseFormat, Sampling};
use yizhan_telemetry::{Outgoing, Step as Stage};

/// Answers calls.
pub struct Gateway {
    pub(crate) knowledge: Arc<Knowledge>,
    pub(crate) apps: Apps,
    pub(crate) access: Arc<Access>,
    pub(crate) ledger: Ledger,
    /// None: what rules send to a person is blocked.
    reviews: Option<Reviews>,
    queue: Queue,
    policy: RwLock<Arc<Policy>>,
    step: RwLock<Step>,
}

impl Gateway {
    /// From its parts.
    pub fn new(
        knowledge: Arc<Knowledge>,
        apps: Apps,
        access: Arc<Access>,
        ledger: Ledger,
        queue: Queue,
        policy: Policy,
    ) -> Self {
        let (policy, step) = (RwLock::new(Arc::new(policy)), RwLock::default());
        Self { knowledge, apps, access, ledger, reviews: None, queue, policy, step }
    }

    /// With a queue for what rules want a person to look at.
    pub fn with_reviews(mut self, reviews: Reviews) -> Self {
        self.reviews = Some(reviews);
        self
    }

    /// What rules want a person to look at, if that is kept.
    pub fn reviews(&self) -> Option<&Reviews> {
        self.reviews.as_ref()
    }

    /// What holds now.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read())
    }

    /// What holds from now on. Calls that have begun go on as they began.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write() = Arc::new(policy);
    }

    /// What is given up now, since the processor is short.
    pub fn set_step(&self, step: Step) {
        *self.step.write() = step;
    }

    /// What is given up now.
    pub fn step(&self) -> Step {
        *self.step.read()
    }

    /// Who may call, and how much.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Where calls are noted.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The queue in front of the models.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// A call's way from a known caller to an answer. A refused one is noted too.
    pub async fn chat(&self, call: Call<Known>) -> Result<Reply> {
        self.ledger.is_open()?;
        let mut journal = Journal::begin(Kind::Chat, &call.caller, &call.model);
        journal.record.streamed = call.request.streamed;
        let policy = self.policy();
        let texts = Texts::of(&policy, &call.request);
        content::asked(&mut journal.trace, &policy, &call.request);
        let mut underway = Underway::new(Walk::new(policy, journal), &self.ledger);
        let walked = self.walk(call, underway.walk()?).await;
        let walk = underway.arrive()?;
        match walked {
            Ok(begun) => Ok(self.reply(begun, walk, texts)),
            // The seldom ways are boxed: what a call's future has room for is copied with every call.
            Err(error) => Err(Box::pin(self.refused(walk, error)).await),
        }
    }

    /// The steps up to the answer's first content.
    async fn walk(&self, call: Call<Known>, walk: &mut Walk) -> Result<Begun> {
        let target = self.resolve(&walk.policy, &call.caller.principal, &call.model, self.step()).await?;
        walk.journal.record.app = target.app.clone();
        walk.journal.record.fallback = self.step() >= Step::CheaperModel && walk.policy.degradation.cheaper.is_some();
        let call = self.shorten(call, &walk.policy)?;
        walk.enter(Stage::Limits);
        self.reserve(&call, &target, walk).await?;
        walk.leave();
        let call = guard(call, self.reviews.as_ref(), walk).await?;
        if let Some(remembered) = self.remember(&call, &target, walk).await {
            return Ok(remembered);
        }
        if self.step() >= Step::CacheOnly {
            return Err(busy("Only what was answered before is answered under the present load"));
        }
        let cost = walk.permit.as_ref().map_or(1, Permit::tokens);
        walk.enter(Stage::Queue);
        walk.slot = Some(self.queue.enter(call.caller.principal.tenant(), cost).await?);
        let call = self.ground(call, &target, walk).await?;
        self.top_up(&call, &target, walk).await?;
        generate(call, walk).await
    }

    /// The answer's way out.
    fn reply(&self, begun: Begun, walk: Walk, texts: Option<Texts>) -> Reply {
        let Walk { policy, journal, permit, slot, pending, prompt_tokens, most_output, approval, mut withholding } =
            walk;
        let Begun { name, events, grounding, expected } = begun;
        let said = Said::of(&journal.trace);
        if let Some(withholding) = &mut withholding {
            withholding.expect(&expected, grounding.as_ref());
        }
        let seen = Arc::new(Seen::default());
        let events: EventStream = Box::pin(Counted::new(events, &seen));
        let (events, findings): (EventStream, _) = match &policy.guard {
            Some(guard) => {
                let guarded = guard.output(events).expect(expected);
                let findings = guarded.findings();
                (Box::pin(guarded), Some(findings))
            }
            None => (events, None),
        };
        let events: EventStream = match grounding {
            Some(grounding) => Box::pin(Checked::new(events, grounding)),
            None => events,
        };
        let standing = permit.as_ref().map(Permit::standing).unwrap_or_default();
        let served = journal.trail.answered().map(|attempt| (attempt.provider.to_string(), attempt.model));
        let fallback = journal.trail.fell_back() || journal.record.fallback;
        let call = journal.record.call.clone();
        let ledger = self.ledger.clone();
        let cached = (journal.record.cache != Cached::Miss).then(|| journal.record.cache.word());
        let account = Account {
            journal,
            permit,
            slot,
            policy,
            ledger,
            seen,
            prompt_tokens,
            most_output,
            findings,
            pending,
            texts,
            said,
            approval,
            withholding,
        };
        Reply {
            call,
            model: name,
            served,
            fallback,
            cached,
            prompt_tokens,
            standing,
            events: Box::pin(Recorded::new(events, account)),
        }
    }

    /// Notes a call that was not answered; what was approved for it counts for another.
    pub(crate) async fn refused(&self, walk: Walk, error: Error) -> Error {
        let Walk { mut journal, approval, .. } = walk;
        if let Some(approval) = approval {
            approval.end(false).await;
        }
        journal.refused(&error);
        journal.end(Usage::default(), None);
        match self.ledger.close(journal).await {
            Ok(()) => error,
            Err(unrecorded) => unrecorded,
        }
    }

    /// When the processor is short: long answers are refused or cut, later all calls.
    fn shorten(&self, mut call: Call<Known>, policy: &Policy) -> Result<Call<Known>> {
        let step = self.step();
        if step >= Step::Refuse {
            return Err(busy("This installation is at its limit and takes no new calls"));
        }
        if step >= Step::ShortAnswers {
            let asked = call.request.sampling.max_tokens;
            if let (Some(asked), Some(longest)) = (asked, policy.degradation.longest_answer)
                && asked > longest
            {
                return Err(busy(&format!(
                    "Answers of more than {longest} tokens are not given under the present load"
                )));
            }
            if let Some(short) = policy.degradation.short_answer {
                call.request.sampling.max_tokens = Some(asked.map_or(short, |asked| asked.min(short)));
            }
        }
        Ok(call)
    }

    async fn reserve(&self, call: &Call<Known>, target: &Target, walk: &mut Walk) -> Result<()> {
        walk.prompt_tokens = target.route.first().count_tokens(&call.request).await?;
        let (prompt, now) = (walk.prompt_tokens, walk.journal.time_ms());
        let mut sampling = call.request.sampling.clone();
        target.sampling.complete(&mut sampling);
        let output = most_output(&sampling, &call.request);
        walk.most_output = output;
        let ask = walk.policy.ask(&call.model, &target.route, output, prompt, now);
        walk.reserve(&self.access, &call.caller.principal, &ask).await
    }

    /// Sources made the prompt longer: the permit must cover them too.
    async fn top_up(&self, call: &Call<Grounded>, target: &Target, walk: &mut Walk) -> Result<()> {
        if walk.permit.is_none() || call.state.grounding.is_none() {
            return Ok(());
        }
        let prompt = target.route.first().count_tokens(&call.request).await?;
        let now = walk.journal.time_ms();
        let output = most_output(&call.request.sampling, &call.request);
        let ask = walk.policy.ask(&call.model, &target.route, output, prompt, now);
        let more = u64::from(prompt.saturating_sub(walk.prompt_tokens));
        walk.top_up_prompt(more, ask.money).await?;
        walk.prompt_tokens = prompt;
        Ok(())
    }

    /// Puts what the documents say into the conversation.
    async fn ground(&self, mut call: Call<Safe>, target: &Target, walk: &mut Walk) -> Result<Call<Grounded>> {
        walk.leave();
        let mut request = std::mem::take(&mut call.request);
        target.sampling.complete(&mut request.sampling);
        let question = question(&request.messages);
        if target.bases.is_empty() || question.is_empty() {
            if target.instructions != Default::default() {
                request.messages = Grounding::default().messages(&request.messages, &target.instructions);
            }
            return Ok(call.grounded(target, request, GroundedBy::default()));
        }
        walk.enter(Stage::Retrieval);
        let searching = Box::pin(self.search(&call, target, &question));
        let found = Outgoing::along(walk.outgoing(), searching).await?;
        walk.found(&target.bases, found.len());
        if found.is_empty() {
            let refusal = Some(Language::of(&question).nothing_found());
            return Ok(call.grounded(target, request, GroundedBy { grounding: None, refusal }));
        }
        let sources = call.retrieval.top.unwrap_or(target.retrieval.sources);
        let (request, grounding) = Box::pin(fit(target, request, &question, &found, sources)).await?;
        Ok(call.grounded(target, request, GroundedBy { grounding: Some(grounding), refusal: None }))
    }

    /// The relevant passages of all bases.
    async fn search(&self, call: &Call<Safe>, target: &Target, question: &str) -> Result<Vec<Found>> {
        let wishes = &call.retrieval;
        let rerank = wishes.rerank.unwrap_or(target.retrieval.rerank);
        let options = SearchOptions {
            mode: wishes.mode.unwrap_or(target.retrieval.mode),
            top: target.retrieval.top.max(wishes.top.unwrap_or(0)),
            filter: wishes.filter.clone(),
            min_score: wishes.min_score.unwrap_or(f32::NEG_INFINITY),
            rerank: rerank.then(|| target.route.first().name().clone()),
        };
        let mut found = Vec::new();
        for base in &target.bases {
            let of_base = self.knowledge.search(base, question, &options).await?;
            // What cannot hold the answer would only tempt a model to invent one.
            let relevance = Relevance::of(question, &of_base);
            if relevance.is_enough(base.settings.embedding.as_ref(), target.retrieval.threshold) {
                found.extend(of_base);
            }
        }
        if target.bases.len() > 1 {
            found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.id.cmp(&b.chunk.id)));
            found.truncate(options.top);
        }
        Ok(found)
    }
}

/// The last question. A short one that follows others is searched together with the one before:
/// "and on Sundays?" alone finds nothing.
fn question(messages: &[Message]) -> String {
    const SHORT: usize = 12;
    let mut questions = messages.iter().rev().filter(|message| message.role == Role::User);
    let last = questions.next().map(|message| message.content.text()).unwrap_or_default();
    match questions.next() {
        Some(before) if last.chars().count() <= SHORT => format!("{} {last}", before.content.text()),
        _ => last,
    }
}

/// As many sources as fit the model's context beside the conversation and the answer.
async fn fit(
    target: &Target,
    request: ChatRequest,
    question: &str,
    found: &[Found],
    most: usize,
) -> Result<(ChatRequest, Grounding)> {
    let mut most = most.max(1);
    loop {
        let grounding = Grounding::new(question, found, most);
        let messages = grounding.messages(&request.messages, &target.instructions);
        let grounded = ChatRequest { messages, ..request.clone() };
        let prompt = target.route.first().count_tokens(&grounded).await?;
        let answer = request.sampling.max_tokens.unwrap_or(0);
        if most == 1 || prompt.saturating_add(answer) <= target.route.first().context_length() {
            return Ok((grounded, grounding));
        }
        most = grounding.sources.len().min(most) - 1;
        most = most.max(1);
    }
}

/// An answer whose first content is there.
pub(crate) struct Begun {
    pub(crate) name: ModelName,
    pub(crate) events: EventStream,
    pub(crate) grounding: Option<Grounding>,
    pub(crate) expected: Expected,
}

/// The longest answers that a call may get, all choices together, if it says.
fn most_output(sampling: &Sampling, request: &ChatRequest) -> Option<u32> {
    sampling.max_tokens.map(|tokens| tokens.saturating_mul(request.more_choices.saturating_add(1)))
}

async fn generate(call: Call<Grounded>, walk: &mut Walk) -> Result<Begun> {
    let Call { asked, request, state } = call;
    let Grounded { route, grounding, refusal, warnings } = state;
    let expected = Expected { warnings, ..expected(&request) };
    let events = match refusal {
        Some(sentence) => said(sentence),
        None => {
            if walk.policy.routes.contains_key(route.name()) {
                walk.journal.record.route = Some(route.name().as_str().to_owned());
            }
            let events = route.generate(&request, &walk.journal.trail).await?;
            if let Some(grounding) = &grounding {
                keep_sources(grounding, walk);
            }
            watched(events, walk)
        }
    };
    Ok(Begun { name: asked.model, events, grounding, expected })
}

/// What is known of an answer before it comes.
pub(crate) fn expected(request: &ChatRequest) -> Expected {
    let structured = request.response_format != ResponseFormat::Text;
    Expected { more_choices: request.more_choices, structured, warnings: Vec::new() }
}

fn busy(what: &str) -> Error {
    let wait = std::time::Duration::from_secs(5);
    Error::new(ErrorCode::RateLimited, format!("{what}; try again shortly.")).retry_after(wait)
}

/// A fixed sentence as a model's answer.
fn said(sentence: &str) -> EventStream {
    let end = ChatEvent::End { usage: Usage::default() };
    Box::pin(stream::iter([ChatEvent::text(sentence), ChatEvent::finish(FinishReason::Stop), end].map(Ok)))
}

#[cfg(test)]
#[path = "chat_tests.rs"]
pub(crate) mod tests;
