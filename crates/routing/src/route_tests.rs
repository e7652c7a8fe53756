use super::*;
use crate::trail::Outcome;
use futures_util::StreamExt;
use yizhan_domain::{Fields, Usage};
use yizhan_model::ChatEvent;
use yizhan_testkit::ScriptedChat;

struct Targets {
    models: Vec<Arc<ScriptedChat>>,
    route: Route,
}

fn route(settings: RouteSettings, names: &[&str], last_resort: Option<&str>) -> Targets {
    let models: Vec<_> = names.iter().chain(&last_resort).map(|name| Arc::new(ScriptedChat::new(name))).collect();
    let breaker = BreakerSettings { failures: 2, ..BreakerSettings::default() };
    let target = |model: &Arc<ScriptedChat>| {
        Arc::new(Target::new(format!("at-{}", model.name()), Arc::clone(model) as Arc<dyn ChatModel>, breaker))
    };
    let mut targets: Vec<_> = models.iter().map(target).collect();
    let last = last_resort.and_then(|_| targets.pop());
    Targets { route: Route::new("route".into(), settings, targets, last).unwrap(), models }
}

fn once() -> RouteSettings {
    RouteSettings { retry: RetrySettings { more: 0, ..RetrySettings::default() }, ..RouteSettings::default() }
}

fn fault(code: ErrorCode) -> Result<ChatEvent> {
    Err(Error::new(code, "as the test wants"))
}

async fn text(events: EventStream) -> String {
    let texts = events.filter_map(|event| async move {
        match event.unwrap() {
            ChatEvent::Text { delta, .. } => Some(delta),
            _ => None,
        }
    });
    texts.collect().await
}

async fn answer(targets: &Targets) -> (Result<String>, Trail) {
    let trail = Trail::new();
    let begun = targets.route.generate(&ChatRequest::default(), &trail).await;
    let answer = match begun {
        Ok(events) => Ok(text(events).await),
        Err(error) => Err(error),
    };
    (answer, trail)
}

#[tokio::test(start_paused = true)]
async fn the_next_target_answers_when_the_first_fails_before_its_first_content() {
    let targets = route(once(), &["a", "b"], None);
    let nothing = ChatEvent::Extra { choice: None, fields: Fields::new() };
    targets.models[0].script(vec![Ok(nothing), Ok(ChatEvent::text("")), fault(ErrorCode::ProviderFailed)]);
    targets.models[1].say(&["from ", "b"]);
    let (answer, trail) = answer(&targets).await;
    assert_eq!(answer.unwrap(), "from b");
    let outcomes: Vec<_> = trail.attempts().iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed(ErrorCode::ProviderFailed), Outcome::Answered]);
    assert!(trail.fell_back());
    assert_eq!(&*trail.answered().unwrap().provider, "at-b");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_begun_is_not_begun_again() {
    let targets = route(once(), &["a", "b"], None);
    targets.models[0].script(vec![Ok(ChatEvent::text("half")), fault(ErrorCode::ProviderFailed)]);
    let events = targets.route.generate(&ChatRequest::default(), &Trail::new()).await.unwrap();
    let events: Vec<_> = events.collect().await;
    assert_eq!(events[0], Ok(ChatEvent::text("half")));
    assert!(events[1].is_err());
    assert!(targets.models[1].requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_the_callers_fault_is_tried_nowhere_else() {
    let targets = route(once(), &["a", "b"], Some("local"));
    targets.models[0].script(vec![fault(ErrorCode::InvalidRequest)]);
    assert_eq!(answer(&targets).await.0.unwrap_err().code(), ErrorCode::InvalidRequest);
    assert!(targets.models[1].requests().is_empty() && targets.models[2].requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_last_resort_answers_a_rate_limit_and_is_marked() {
    let targets = route(once(), &["a"], Some("local"));
    targets.models[0].script(vec![fault(ErrorCode::RateLimited)]);
    targets.models[1].say(&["here"]);
    let (answer, trail) = answer(&targets).await;
    assert_eq!(answer.unwrap(), "here");
    assert!(trail.answered().unwrap().last_resort && trail.fell_back());
}

#[tokio::test(start_paused = true)]
async fn a_target_is_tried_again_after_a_pause() {
    let mut settings = once();
    settings.retry.more = 2;
    let targets = route(settings, &["a"], None);
    targets.models[0].script(vec![fault(ErrorCode::Overloaded)]);
    targets.models[0].say(&["at last"]);
    let (answer, trail) = answer(&targets).await;
    assert_eq!(answer.unwrap(), "at last");
    assert!(!trail.fell_back(), "the same model answered");
}

#[tokio::test(start_paused = true)]
async fn a_resting_target_is_not_asked() {
    let targets = route(once(), &["a", "b"], None);
    for _ in 0..2 {
        targets.models[0].script(vec![fault(ErrorCode::Timeout)]);
    }
    for _ in 0..3 {
        targets.models[1].say(&["b"]);
        assert_eq!(answer(&targets).await.0.unwrap(), "b");
    }
    assert_eq!(targets.models[0].requests().len(), 2);
    let states: Vec<_> = targets.route.targets().map(|target| target.state().breaker).collect();
    assert_eq!(states, [BreakerState::Open, BreakerState::Closed]);
}

#[tokio::test(start_paused = true)]
async fn all_resting_says_when_to_come_back() {
    let targets = route(once(), &["a"], None);
    for _ in 0..2 {
        targets.models[0].script(vec![fault(ErrorCode::ProviderFailed)]);
        answer(&targets).await.0.unwrap_err();
    }
    let error = answer(&targets).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Overloaded);
    assert!(error.wait().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_silent_target_is_left_after_its_time() {
    let targets = route(RouteSettings { first_content_ms: Some(500), ..once() }, &["a", "b"], None);
    let _silent = targets.models[0].live();
    targets.models[1].say(&["b"]);
    let (answer, trail) = answer(&targets).await;
    assert_eq!(answer.unwrap(), "b");
    assert_eq!(trail.attempts()[0].outcome, Outcome::Failed(ErrorCode::Timeout));
    assert_eq!(targets.models[0].open_streams(), 0, "the silent stream is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_is_hedged_and_the_loser_dropped() {
    let targets = route(RouteSettings { hedge_ms: Some(200), ..once() }, &["a", "b"], None);
    let _slow = targets.models[0].live();
    targets.models[1].say(&["b"]);
    let (answer, trail) = answer(&targets).await;
    assert_eq!(answer.unwrap(), "b");
    let outcomes: Vec<_> = trail.attempts().iter().map(|one| one.outcome).collect();
    assert!(outcomes.contains(&Outcome::Abandoned) && outcomes.contains(&Outcome::Answered));
    assert_eq!(targets.models[0].open_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_providers_trouble_with_our_account_is_not_shown_as_the_callers() {
    let targets = route(once(), &["a"], None);
    targets.models[0].script(vec![fault(ErrorCode::InvalidApiKey)]);
    assert_eq!(answer(&targets).await.0.unwrap_err().code(), ErrorCode::ProviderFailed);
}

#[tokio::test(start_paused = true)]
async fn open_calls_are_counted_until_the_answer_is_dropped() {
    let targets = route(once(), &["a"], None);
    let sender = targets.models[0].live();
    sender.send(Ok(ChatEvent::text("x"))).unwrap();
    let events = targets.route.generate(&ChatRequest::default(), &Trail::new()).await.unwrap();
    let open = || targets.route.targets().next().unwrap().state().open;
    assert_eq!(open(), 1);
    drop(events);
    assert_eq!(open(), 0);
    assert!(sender.send(Ok(ChatEvent::End { usage: Usage::default() })).is_err(), "upstream sees it closed");
}

/// Hears a status, then answers or fails.
struct Answering(u16, ScriptedChat);

#[async_trait::async_trait]
impl ChatModel for Answering {
    fn name(&self) -> &ModelName {
        self.1.name()
    }

    fn context_length(&self) -> u32 {
        self.1.context_length()
    }

    async fn generate(&self, request: &ChatRequest) -> Result<EventStream> {
        yizhan_telemetry::Heard::tell(self.0);
        self.1.generate(request).await
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32> {
        self.1.count_tokens(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_trail_says_what_status_each_target_answered() {
    let [broken, refusing, fine] = [(200, "broken"), (503, "refusing"), (201, "fine")]
        .map(|(status, name)| Answering(status, ScriptedChat::new(name)));
    broken.1.script(vec![fault(ErrorCode::ProviderFailed)]);
    refusing.1.script(vec![fault(ErrorCode::Overloaded)]);
    fine.1.say(&["fine"]);
    let silent = ScriptedChat::new("silent");
    silent.script(vec![fault(ErrorCode::ProviderFailed)]);
    let models: [Arc<dyn ChatModel>; 4] = [Arc::new(broken), Arc::new(silent), Arc::new(refusing), Arc::new(fine)];
    let targets = models.map(|model| Arc::new(Target::new("p", model, BreakerSettings::default())));
    let route = Route::new("route".into(), once(), targets.into(), None).unwrap();
    let trail = Trail::new();
    assert_eq!(text(route.generate(&ChatRequest::default(), &trail).await.unwrap()).await, "fine");
    let statuses: Vec<_> = trail.attempts().iter().map(|one| one.status).collect();
    assert_eq!(statuses, [Some(200), None, Some(503), Some(201)]);
}
