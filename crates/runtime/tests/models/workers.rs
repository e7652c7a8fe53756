//! Workers that die, idle and come back.

use crate::common::{ask, collect, runtime, small_chat_model};
use futures_util::StreamExt;
use std::time::{Duration, Instant};
use yizhan_domain::ErrorCode;
use yizhan_model::ChatEvent;
use yizhan_runtime::Options;

/// `kill -9`.
fn kill(pid: u32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_is_an_error_for_its_calls_and_a_fresh_one_for_the_next() {
    let runtime = runtime(Options { threads: 1, cache_tokens: 1024, ..Options::default() });
    let model = runtime.chat_model("smollm2".into(), &small_chat_model(), 1024);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = model.generate(&ask("Write a very long story about a river.", 900)).await.unwrap();
        assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Text { .. }))));
        streams.push(stream);
    }
    let pid = runtime.loaded()[0].pid;
    kill(pid);
    for stream in streams {
        let error = collect(stream).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::WorkerFailed);
        assert!(error.message().contains("signal 9"), "{error}");
    }
    assert!(runtime.loaded().is_empty());
    let whole = collect(model.generate(&ask("Say hello.", 4)).await.unwrap()).await.unwrap();
    assert!(whole.usage.completion_tokens > 0);
    assert_ne!(runtime.loaded()[0].pid, pid);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_ends_and_gives_its_memory_back() {
    let runtime = runtime(Options { threads: 1, cache_tokens: 1024, ..Options::default() });
    let model = runtime.chat_model("smollm2".into(), &small_chat_model(), 1024);
    let mut stream = model.generate(&ask("Write a very long story about a river.", 900)).await.unwrap();
    let later = Instant::now() + Duration::from_secs(3600);
    assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Text { .. }))));
    runtime.end_idle(later);
    assert_eq!(runtime.loaded().len(), 1, "a worker with a call is not idle");
    drop(stream);
    runtime.end_idle(Instant::now());
    assert_eq!(runtime.loaded().len(), 1, "not idle for long enough");
    let pid = runtime.loaded()[0].pid;
    runtime.end_idle(later);
    assert!(runtime.loaded().is_empty());
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the process is gone and reaped");
    let whole = collect(model.generate(&ask("Say hello.", 4)).await.unwrap()).await.unwrap();
    assert!(whole.usage.completion_tokens > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_fails_what_is_in_flight_and_dropping_everything_ends_the_processes() {
    let runtime = runtime(Options { threads: 1, cache_tokens: 1024, ..Options::default() });
    let model = runtime.chat_model("smollm2".into(), &small_chat_model(), 1024);
    let stream = model.generate(&ask("Write a very long story about a river.", 900)).await.unwrap();
    runtime.stop_all();
    assert_eq!(collect(stream).await.err().map(|error| error.code()), Some(ErrorCode::WorkerFailed));
    assert!(runtime.loaded().is_empty());

    let stream = model.generate(&ask("Say hello.", 4)).await.unwrap();
    let pid = runtime.loaded()[0].pid;
    drop((stream, model, runtime));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_be_started_is_an_error() {
    let program = yizhan_process::Program::at("/nowhere/yizhan");
    let runtime = yizhan_runtime::Runtime::new(program, Options::default());
    let model = runtime.chat_model("m".into(), std::path::Path::new("m.gguf"), 16);
    let error = model.generate(&ask("x", 1)).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::WorkerFailed);
}
