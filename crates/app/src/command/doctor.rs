//! `yizhan doctor`: is this machine ready, and if not, what to do?
//!
//! It looks; it changes nothing. It does not know how the things that it looks at work.

mod installation;
mod services;

use crate::cli::{Doctor, Global};
use crate::data::{ServerAddress, cache_folder, data_folder, server, worker_program};
use crate::models::{DEFAULT_EMBEDDING, Models, OCR, PDFIUM, PREFERRED_CHAT, cache};
use crate::{output, tls};
use serde::Serialize;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use yizhan_catalog::Cache;
use yizhan_client::Client;
use yizhan_domain::Result;
use yizhan_runtime::{Options, Runtime};

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    message: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, message: message.into(), advice: None }
    }

    fn not_ok(check: &'static str, level: Level, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level, message: message.into(), advice: Some(advice.into()) }
    }
}

pub(super) async fn run(global: &Global, command: Doctor) -> Result<ExitCode> {
    let cache = cache(&cache_folder(global), None)?;
    let data = data_folder(global);
    let mut findings =
        vec![processor(), memory(), folder("data folder", &data), folder("model folder", cache.directory())];
    findings.extend(models(&cache));
    findings.push(pip());
    findings.push(installation::clock());
    findings.extend(installed(global, &command, cache).await?);
    findings.push(match server(&data) {
        Some(server) => running(&server),
        None => port(&command),
    });
    for finding in &findings {
        print(finding, global.json);
    }
    let failed = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Whatever the configuration speaks of.
async fn installed(global: &Global, command: &Doctor, cache: Cache) -> Result<Vec<Finding>> {
    let program = worker_program()?;
    let models = Models::new(cache, Runtime::new(program, Options::default()));
    let (config, finding) = installation::configuration(global, &models);
    let mut findings = vec![finding];
    findings.extend(installation::audit(global));
    let Some(config) = config else { return Ok(findings) };
    let data = data_folder(global);
    findings.extend(installation::tls(tls::files(&config, &command.tls)));
    findings.extend(installation::sealed(&config, &data).await);
    findings.extend(installation::prices(&config));
    findings.extend(services::redis(config.redis.as_ref()).await);
    findings.extend(services::providers(&config, &data, command.online).await);
    findings.extend(services::issuers(&config.oidc, command.online).await);
    Ok(findings)
}

fn running(server: &ServerAddress) -> Finding {
    let shown = format!("{} (process {})", server.shown(), server.process);
    match Client::new(&server.url, &server.key).not_ready() {
        Ok(reasons) if reasons.is_empty() => Finding::ok("server", format!("running: {shown}")),
        Ok(reasons) => {
            let advice = "It says so until it has caught up; its log tells more.";
            Finding::not_ok("server", Level::Warn, format!("not ready: {shown}: {}", reasons.join("; ")), advice)
        }
        Err(error) => {
            let advice = "Left by a server that was killed: the next start puts it right.";
            Finding::not_ok("server", Level::Warn, error.message(), advice)
        }
    }
}

fn print(finding: &Finding, as_json: bool) {
    if as_json {
        return output::json(finding);
    }
    let mark = match finding.level {
        Level::Ok => "ok  ",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    output::line(format!("{mark}  {:<13} {}", finding.check, finding.message));
    if let Some(advice) = &finding.advice {
        output::line(format!("      {:<13} → {advice}", ""));
    }
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_arch = "x86_64")]
    {
        let best = [
            ("AVX-512 with VNNI", std::arch::is_x86_feature_detected!("avx512vnni")),
            ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ];
        match best.iter().find(|(_, there)| *there) {
            Some((name, _)) => Finding::ok("processor", format!("{cores} cores, {name}")),
            None => {
                let advice = "Models run, but slowly: a processor with AVX2 (2013 or later) is several times faster.";
                Finding::not_ok("processor", Level::Warn, format!("{cores} cores, without AVX2"), advice)
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    Finding::ok("processor", format!("{cores} cores, {}", std::env::consts::ARCH))
}

/// A small chat model, an embedding model and the program fit this.
const ENOUGH_MEMORY: u64 = 2 << 30;

fn memory() -> Finding {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
    });
    match available {
        Some(bytes) if bytes >= ENOUGH_MEMORY => Finding::ok("memory", format!("{} available", output::bytes(bytes))),
        Some(bytes) => {
            let advice = "A small chat model needs about 1 GB, the embedding model 0.3 GB: close something or use smaller models.";
            Finding::not_ok("memory", Level::Warn, format!("{} available", output::bytes(bytes)), advice)
        }
        None => Finding::not_ok("memory", Level::Warn, "unknown on this system", "Nothing to do."),
    }
}

/// Documents, their vectors and indexes, or a model, need at least this much room.
const ENOUGH_DISK: u64 = 1 << 30;

fn folder(check: &'static str, path: &Path) -> Finding {
    let shown = path.display();
    let Some(existing) = path.ancestors().find(|ancestor| ancestor.exists()) else {
        return Finding::not_ok(check, Level::Fail, format!("{shown} cannot be reached"), "Name another folder.");
    };
    if let Err(cause) = tempfile::Builder::new().prefix(".yizhan-doctor-").tempfile_in(existing) {
        let advice = "Make it writable, or name another folder with --data or --cache.";
        return Finding::not_ok(check, Level::Fail, format!("{shown} cannot be written: {cause}"), advice);
    }
    match free_bytes(existing) {
        Some(free) if free < ENOUGH_DISK => {
            let advice = "Free some room, or name a folder on another disk.";
            Finding::not_ok(check, Level::Warn, format!("{shown}: only {} free", output::bytes(free)), advice)
        }
        Some(free) => Finding::ok(check, format!("{shown}, {} free", output::bytes(free))),
        None => Finding::ok(check, shown.to_string()),
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut status = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: both pointers are valid for the call, which fills `status` when it returns 0.
    let status = unsafe {
        if libc::statvfs(path.as_ptr(), status.as_mut_ptr()) != 0 {
            return None;
        }
        status.assume_init()
    };
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}

fn models(cache: &Cache) -> Vec<Finding> {
    let missing = |check, name: &str, without: &str| {
        Finding::not_ok(
            check,
            Level::Warn,
            format!("{name} is not installed: {without}"),
            format!("yizhan model pull {name}"),
        )
    };
    let mut findings = Vec::new();
    for (check, name, without) in [
        ("pdf", PDFIUM, "PDFs cannot be read"),
        ("ocr", OCR, "images and scanned pages cannot be read"),
        ("embedding", DEFAULT_EMBEDDING, "bases need --embedding none, and search by words only"),
    ] {
        findings.push(match cache.find(name) {
            Some(_) => Finding::ok(check, name),
            None => missing(check, name, without),
        });
    }
    findings.push(match PREFERRED_CHAT.iter().find(|name| cache.find(name).is_some()) {
        Some(name) => Finding::ok("chat", *name),
        None => missing("chat", "qwen2.5-coder-0.5b-instruct", "questions cannot be answered, only searched"),
    });
    findings
}

fn pip() -> Finding {
    let found = std::process::Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if found {
        Finding::ok("pip", "python3 -m pip works")
    } else {
        let advice = "Only needed where no model hub can be reached: apt install python3-pip";
        Finding::not_ok("pip", Level::Warn, "python3 -m pip does not work", advice)
    }
}

fn port(command: &Doctor) -> Finding {
    match TcpListener::bind(command.listen) {
        Ok(_) => Finding::ok("port", format!("{} is free", command.listen)),
        Err(cause) => {
            let message = format!("{} cannot be listened on: {cause}", command.listen);
            Finding::not_ok("port", Level::Warn, message, "yizhan serve --listen 127.0.0.1:0 takes any free port")
        }
    }
}
