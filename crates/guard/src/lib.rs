//! Rules on what goes into models and what comes out, on streams too.
//!
//! A [`RuleSet`] is read from a file; [`Guard::new`] compiles any number of them into automata, once.
//! [`Guard::input`] looks at a request before it goes to a model, [`Guard::output`] at the answer on its way,
//! [`Guard::check_text`] at a single text. On a stream only the text that may still become a match is held
//! back, and the outcome does not depend on how the text was cut into pieces.
//!
//! How a text is looked at: `reader` gives its characters (JSON escapes read), `fold` makes one form of
//! those that mean the same, `scanner` runs words (`words`) and patterns (`machine`) over them, and
//! `lane` decides. All positions are bytes of the original text.
//!
//! This crate does not know HTTP, any wire format, who calls, where rule files lie, nor how audits and review
//! queues are kept. It opens no file and starts no task.

mod boundary;
mod compile;
mod extra;
mod finding;
mod fold;
mod found;
mod guard;
mod lane;
mod machine;
mod neck;
mod output;
mod packs;
mod pii;
mod reader;
mod rule;
mod scanner;
mod spelling;
mod watch;
mod words;

pub use finding::{Finding, Findings, MOST_FINDINGS, Place, Withheld};
pub use guard::{Checked, Guard, Outcome, Refusal, Side, TextCheck};
pub use output::{Expected, Guarded};
pub use packs::PACKS;
pub use pii::PiiKind;
pub use rule::{Action, Matcher, Require, Rule, RuleSet, Where};
