use super::super::{HttpFacts, HttpSpan};
use super::*;
use parking_lot::Mutex;
use serde_json::Value;
use std::time::Instant as Moment;
use tokio::sync::oneshot;
use yizhan_domain::{Error, ErrorCode};

/// Answers with these statuses in turn, the last for ever; 0 stands for no answer. Keeps what came.
struct Collector {
    statuses: Mutex<Vec<u16>>,
    bodies: Mutex<Vec<Value>>,
}

impl Collector {
    fn new(statuses: &[u16]) -> Arc<Self> {
        let statuses = statuses.iter().rev().copied().collect();
        Arc::new(Self { statuses: Mutex::new(statuses), bodies: Mutex::default() })
    }

    /// How many spans each request had.
    fn sizes(&self) -> Vec<usize> {
        let spans = |body: &Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().map_or(0, Vec::len);
        self.bodies.lock().iter().map(spans).collect()
    }
}

#[async_trait]
impl Post for Collector {
    async fn post(&self, body: Vec<u8>) -> Result<Answer> {
        self.bodies.lock().push(serde_json::from_slice(&body).unwrap());
        let mut statuses = self.statuses.lock();
        let status = if statuses.len() > 1 { statuses.pop() } else { statuses.first().copied() };
        match status.unwrap_or(200) {
            0 => Err(Error::new(ErrorCode::Io, "no collector")),
            status => Ok(Answer { status, retry_after: Some(Duration::from_secs(3_600)) }),
        }
    }
}

fn options() -> TraceOptions {
    TraceOptions { queue: 8, batch: 4, ..TraceOptions::default() }
}

/// A request with one span.
fn request(tracer: &Tracer) {
    let traced = tracer.begin(&CallId::random(), 0, None, None);
    HttpSpan::begin(&traced, Moment::now(), &HttpFacts { method: "GET", ..HttpFacts::default() });
}

/// Makes so many requests, runs the exporter until it has nothing more to do, and says what became of them.
async fn export(collector: &Arc<Collector>, requests: usize) -> TraceCounts {
    let (tracer, exporter) = Tracer::new(options(), Arc::clone(collector) as Arc<dyn Post>);
    (0..requests).for_each(|_| request(&tracer));
    let counts = Arc::clone(&tracer.0.counts);
    let before = tracer.counts();
    drop(tracer);
    exporter.run(std::future::pending()).await;
    let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
    TraceCounts { exported: get(&counts.exported), dropped: before.dropped, failed: get(&counts.failed) }
}

#[tokio::test(start_paused = true)]
async fn requests_go_out_in_batches() {
    let collector = Collector::new(&[200]);
    let counts = export(&collector, 6).await;
    assert_eq!(counts, TraceCounts { exported: 6, dropped: 0, failed: 0 });
    assert_eq!(collector.sizes(), [4, 2]);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_queue_requests_are_dropped_and_counted() {
    let collector = Collector::new(&[200]);
    assert_eq!(export(&collector, 11).await, TraceCounts { exported: 8, dropped: 3, failed: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_is_away_is_tried_again() {
    let collector = Collector::new(&[0, 503, 429, 200]);
    let began = Instant::now();
    assert_eq!(export(&collector, 1).await, TraceCounts { exported: 1, dropped: 0, failed: 0 });
    assert_eq!(collector.sizes(), [1, 1, 1, 1]);
    // One second, then twice what the collector asked for, but no longer than half a minute.
    assert_eq!((Instant::now() - began).as_secs(), 1 + 30 + 30);
}

#[tokio::test(start_paused = true)]
async fn what_a_collector_refuses_is_not_sent_again() {
    let collector = Collector::new(&[400, 200]);
    assert_eq!(export(&collector, 5).await, TraceCounts { exported: 1, dropped: 0, failed: 4 });
    assert_eq!(collector.sizes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_all_tries_a_batch_is_given_up() {
    let collector = Collector::new(&[0]);
    assert_eq!(export(&collector, 1).await, TraceCounts { exported: 0, dropped: 0, failed: 1 });
    assert_eq!(collector.sizes().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_waits() {
    let collector = Collector::new(&[200]);
    let (tracer, exporter) = Tracer::new(options(), Arc::clone(&collector) as Arc<dyn Post>);
    (0..3).for_each(|_| request(&tracer));
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(exporter.run(async move { _ = stopped.await }));
    stop.send(()).unwrap();
    running.await.unwrap();
    request(&tracer);
    assert_eq!(tracer.counts(), TraceCounts { exported: 3, dropped: 1, failed: 0 });
}

/// Never answers the first request.
struct Deaf(Arc<Collector>);

#[async_trait]
impl Post for Deaf {
    async fn post(&self, body: Vec<u8>) -> Result<Answer> {
        let is_first = self.0.bodies.lock().is_empty();
        let answer = self.0.post(body).await;
        if is_first { std::future::pending().await } else { answer }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_midst_of_a_request_loses_no_batch() {
    let collector = Collector::new(&[200]);
    let (tracer, exporter) = Tracer::new(options(), Arc::new(Deaf(Arc::clone(&collector))));
    (0..4).for_each(|_| request(&tracer));
    exporter.run(tokio::time::sleep(Duration::from_secs(1))).await;
    assert_eq!(tracer.counts(), TraceCounts { exported: 4, dropped: 0, failed: 0 });
    assert_eq!(collector.sizes(), [4, 4]);
}

#[tokio::test]
async fn requests_that_are_not_sampled_take_no_room() {
    let collector = Collector::new(&[200]);
    let none = TraceOptions { sampling: 0.0, ..options() };
    let (tracer, exporter) = Tracer::new(none, Arc::clone(&collector) as Arc<dyn Post>);
    (0..100).for_each(|_| request(&tracer));
    assert_eq!(tracer.counts(), TraceCounts::default());
    drop(tracer);
    exporter.run(std::future::pending()).await;
    assert!(collector.sizes().is_empty());
}
