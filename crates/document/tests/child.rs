//! Parsing in child processes: replies, crashes, hangs and reuse.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod common;

use common::{sample, text, tools};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use yizhan_document::{Parser, ParserOptions, Tools};
use yizhan_domain::{ErrorCode, Result};
use yizhan_process::Program;

fn worker() -> Program {
    Program::at(env!("CARGO_BIN_EXE_yizhan-parse"))
}

/// A program that runs this shell text instead of parsing.
fn script(folder: &tempfile::TempDir, text: &str) -> Program {
    let path: PathBuf = folder.path().join("worker");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Program::at(path)
}

fn failure<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnreadableDocument, "{error}");
    error.message().to_owned()
}

#[test]
fn documents_and_errors_cross_the_pipe() {
    let parser = Parser::new(worker(), ParserOptions { children: 1, ..ParserOptions::new(Tools::default()) });
    for _ in 0..3 {
        let parsed = parser.parse("returns-policy.docx", &sample("returns-policy.docx")).unwrap();
        assert!(text(&parsed).contains("400-810-0850"));
        assert!(failure(parser.parse("empty.txt", b"")).starts_with("empty.txt: "));
    }
}

#[test]
fn several_threads_share_a_few_children() {
    let parser = Parser::new(worker(), ParserOptions { children: 2, ..ParserOptions::new(Tools::default()) });
    std::thread::scope(|scope| {
        for number in 0..6 {
            let parser = &parser;
            scope.spawn(move || {
                let name = format!("{number}.txt");
                assert_eq!(text(&parser.parse(&name, name.as_bytes()).unwrap()), name);
            });
        }
    });
}

#[test]
fn a_crash_is_a_reason_and_the_next_document_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let crash = script(&folder, "kill -SEGV $$");
    let parser = Parser::new(crash, ParserOptions::new(Tools::default()));
    for _ in 0..2 {
        let message = failure(parser.parse("evil.pdf", b"%PDF-1.7"));
        assert!(message.starts_with("evil.pdf: the parser process was ended by signal 11"), "{message}");
    }
}

#[test]
fn a_hang_is_stopped_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let hang = script(&folder, "exec sleep 60");
    let options = ParserOptions { timeout: Duration::from_millis(50), ..ParserOptions::new(Tools::default()) };
    let message = failure(Parser::new(hang, options).parse("slow.pdf", b"%PDF-1.7"));
    assert!(message.contains("no progress for 0.05 s"), "{message}");
}

#[test]
fn a_child_that_talks_nonsense_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let nonsense = script(&folder, "echo this is no frame at all");
    let parser = Parser::new(nonsense, ParserOptions::new(Tools::default()));
    assert!(failure(parser.parse("a.txt", b"text")).contains("without an answer"));
}

#[test]
fn memory_is_limited() {
    let mut options = ParserOptions::new(tools());
    options.limits.memory_bytes = Some(160 << 20);
    let parser = Parser::new(worker(), options);
    let text = "一行文字\n\n".repeat(8 << 20);
    let message = failure(parser.parse("large.txt", text.as_bytes()));
    assert!(message.contains("ended by signal") || message.contains("memory"), "{message}");
    assert!(parser.parse("small.txt", b"fine").is_ok());
}

#[test]
fn a_pdf_is_read_in_the_child() {
    let tools = tools();
    let parser = Parser::new(worker(), ParserOptions::new(tools));
    let parsed = parser.parse("field-report.pdf", &sample("field-report.pdf")).unwrap();
    assert!(text(&parsed).contains("LT-2"));
}
