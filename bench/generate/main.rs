//! Generation side by side with llama.cpp: the same model file, threads and work, in one run.
//!
//! Usage: `bench/generate/run MODEL [THREADS]`, which builds llama.cpp natively for this machine from the same sources
//! and then runs this. Each case is K conversations at once, with prompts of about P tokens and answers of N
//! tokens. Ours goes the whole way (template, scheduler, worker process, pipes); theirs is a bare decode loop
//! (`reference.cpp`). Processor seconds are compared, because wall time means little on a shared machine.

use futures_util::StreamExt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use yizhan_domain::{Message, Role};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, Sampling};
use yizhan_process::Program;
use yizhan_runtime::{Options, Runtime};

type Failure = Box<dyn std::error::Error>;

/// Conversations, prompt tokens, answer tokens.
const CASES: &[(usize, usize, usize)] =
    &[(1, 512, 1), (1, 32, 128), (2, 32, 128), (4, 32, 128), (8, 32, 128), (16, 32, 128)];

/// Each case is measured so often, ours and theirs in turn; the best of each counts.
const ROUNDS: usize = 3;

/// Tokens computed, processor seconds, wall seconds.
struct Measured {
    prompt: usize,
    answers: usize,
    processor: f64,
    wall: f64,
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [worker, reference, model, threads] = arguments.as_slice() else {
        return Err("usage: generate WORKER REFERENCE MODEL THREADS (see bench/generate/run)".into());
    };
    let asynchronous = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut theirs = Reference::start(reference, model, threads)?;
    println!(
        "{:>7} {:>7} {:>7} | {:>30} | {:>30} | ratio",
        "streams", "prompt", "answer", "yizhan: tokens/CPU s (/wall s)", "llama.cpp"
    );
    for &(streams, prompt, answer) in CASES {
        let options = Options { threads: threads.parse()?, slots: 16, cache_tokens: 8192, ..Options::default() };
        let runtime = Runtime::new(Program::at(worker), options);
        let chat = runtime.chat_model("bench".into(), Path::new(model), 2048);
        // The first call loads the model.
        asynchronous.block_on(converse(&chat, 1, 8, 1, 0))?;
        let pid = runtime.loaded().first().ok_or("no worker")?.pid;
        let (mut ours_best, mut theirs_best) = (0.0f64, 0.0f64);
        let (mut ours_wall, mut theirs_wall) = (0.0f64, 0.0f64);
        for round in 1..=ROUNDS {
            let (cpu, wall) = (processor_seconds(pid)?, Instant::now());
            let (prompts, answers) = asynchronous.block_on(converse(&chat, streams, prompt, answer, round))?;
            let ours = Measured {
                prompt: prompts / streams,
                answers,
                processor: processor_seconds(pid)? - cpu,
                wall: wall.elapsed().as_secs_f64(),
            };
            let theirs = theirs.measure(streams, ours.prompt, ours.answers / streams)?;
            (ours_best, ours_wall) = (ours_best.max(ours.rate(streams)), ours_wall.max(ours.wall_rate(streams)));
            (theirs_best, theirs_wall) =
                (theirs_best.max(theirs.rate(streams)), theirs_wall.max(theirs.wall_rate(streams)));
        }
        println!(
            "{streams:>7} {prompt:>7} {answer:>7} | {ours_best:>20.1} ({ours_wall:>7.1}) | {theirs_best:>20.1} ({theirs_wall:>7.1}) | {:.3}",
            ours_best / theirs_best
        );
    }
    Ok(())
}

impl Measured {
    /// What the case is about: prompt tokens where the answers are one token, else answer tokens.
    fn tokens(&self, streams: usize) -> f64 {
        if self.answers == streams { (self.prompt * streams) as f64 } else { self.answers as f64 }
    }

    fn rate(&self, streams: usize) -> f64 {
        self.tokens(streams) / self.processor
    }

    fn wall_rate(&self, streams: usize) -> f64 {
        self.tokens(streams) / self.wall
    }
}

/// Prompt and answer tokens of all streams. `round` makes prompts differ, so that no cache helps.
async fn converse(
    chat: &Arc<dyn ChatModel>,
    streams: usize,
    prompt: usize,
    answer: usize,
    round: usize,
) -> Result<(usize, usize), Failure> {
    let one = |stream: usize| {
        let chat = Arc::clone(chat);
        async move {
            let seed = round * 100 + stream;
            let words = (0..prompt).map(|n| WORDS[(n * 7 + seed * 13 + n * n * seed) % WORDS.len()]);
            let text = format!(
                "{seed}: write a very long story with all these words: {}",
                words.take(prompt).collect::<Vec<_>>().join(" ")
            );
            let sampling = Sampling { temperature: Some(0.0), max_tokens: Some(answer as u32), ..Sampling::default() };
            // Without a system message of its own, some templates add a long one.
            let messages = vec![Message::text(Role::System, "."), Message::text(Role::User, text)];
            let mut events = chat.generate(&ChatRequest { messages, sampling, ..ChatRequest::default() }).await?;
            while let Some(event) = events.next().await {
                if let ChatEvent::End { usage } = event? {
                    return Ok::<_, yizhan_domain::Error>((
                        (usage.prompt_tokens - usage.cached_tokens) as usize,
                        usage.completion_tokens as usize,
                    ));
                }
            }
            Ok((0, 0))
        }
    };
    let mut sum = (0, 0);
    for counts in futures_util::future::join_all((0..streams).map(one)).await {
        let (prompt, answer) = counts?;
        sum = (sum.0 + prompt, sum.1 + answer);
    }
    Ok(sum)
}

const WORDS: [&str; 16] = [
    "river", "stone", "winter", "letter", "garden", "window", "silver", "horse", "paper", "music", "forest", "bread",
    "engine", "island", "mirror", "thunder",
];

/// llama.cpp's process.
struct Reference {
    process: std::process::Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Reference {
    fn start(program: &str, model: &str, threads: &str) -> Result<Self, Failure> {
        let command = Command::new(PathBuf::from(program))
            .args([model, threads])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = command?;
        let output = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        Ok(Self { process, output })
    }

    fn measure(&mut self, streams: usize, prompt: usize, answer: usize) -> Result<Measured, Failure> {
        let input = self.process.stdin.as_mut().ok_or("no pipe")?;
        writeln!(input, "{streams} {prompt} {answer}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let mut numbers = line.split_whitespace();
        let mut next = || numbers.next().ok_or("llama.cpp ended");
        Ok(Measured { prompt, answers: next()?.parse()?, processor: next()?.parse()?, wall: next()?.parse()? })
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// User and system time of a process, all its threads, in seconds.
fn processor_seconds(pid: u32) -> Result<f64, Failure> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    let mut nanoseconds = 0u64;
    for task in tasks {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split_whitespace().next().ok_or("empty schedstat")?.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 * 1e-9)
}
