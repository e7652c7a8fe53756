//! An append-only log of every call, in which nobody without its key can change, remove or insert a
//! record unseen.
//!
//! [`AuditLog::append`] returns when the record is on the disk; records that wait together share one
//! sync. [`verify`] checks a whole log offline. [`Entries`] reads it back, [`export`] turns it into
//! JSON lines or CSV, [`AuditLog::prune`] deletes by policy.
//!
//! # Files
//!
//! ```text
//! audit/00000001.jsonl   segments: a first line, then one record a line
//! audit/00000001.payload texts of calls, where policy keeps them; deleted earlier than the records
//! audit/head.json        the last acknowledged record: number and hash, sealed
//! audit/pruned.json      what policy deleted, sealed; only once something was
//! audit/lock             held by the one process that writes
//! KEY                    the secret, mode 0600; its path is configured, best on another disk
//! ```
//!
//! ```text
//! {"segment":1,"first":1,"previous":"…","time_ms":…,"hash":"…"}
//! {"seq":1,"record":{"call":"call-…","time_ms":…,"kind":"chat",…},"hash":"…"}
//! {"seq":2,"record":{…},"payload":{"at":0,"bytes":812,"mac":"…"},"hash":"…"}
//! ```
//!
//! `hash` is HMAC-SHA-256, under a key derived from the secret, over the hash of the line before (32
//! bytes; across segments too) and this line's exact bytes before `,"hash":`. Head, marker and payloads
//! have derived keys of their own.
//!
//! # What is detected
//!
//! By someone who writes the files but cannot read the key:
//!
//! - any changed byte of a segment, of the head, of the marker, and of a payload that is kept;
//! - a record or segment that was removed, put in, doubled, moved or renamed, anywhere: in the middle,
//!   at the end (the head says how far the log went), all segments, or the whole folder (the key file
//!   remembers that the log has begun);
//! - a log made anew with another key.
//!
//! # What is not
//!
//! - **A roll-back of the whole folder** to an older copy of itself, head included: every seal in it is
//!   true. Print [`AuditLog::checkpoint`] now and then, keep it elsewhere, and give it to [`verify`].
//! - **Records that were written and not yet covered by the head**: those of the one group that was under
//!   way when the process was killed (none of them acknowledged), and after a loss of power those of up
//!   to the last second. Their content cannot be forged either; only that they were cut off shows not.
//! - **Whoever can read the key**, or run code as the server, can write what he likes.
//! - Which bytes of a `.payload` file no record points to, and zeros behind the last line of a segment: while a
//!   log is open they are the room for its next records.
//! - That the program did not write a record in the first place.
//!
//! A torn last line that `kill -9` left was never acknowledged: it counts as intact, and the next
//! start cuts it off.
//!
//! It does not know HTTP, configuration, prices or what a policy ought to be, and needs no async
//! runtime.

mod chain;
mod export;
mod hash;
mod key;
mod line;
mod log;
mod marks;
mod payload;
mod read;
mod record;
mod recover;
mod retention;
mod segment;
mod verify;
mod walk;

pub use export::{Filter, Format, export};
pub use hash::{Checkpoint, Hash};
pub use key::Key;
pub use log::{AuditLog, Observer, Options};
pub use marks::Pruned;
pub use payload::{Capture, Captured, capture};
pub use read::{Entries, Stored};
pub use record::{Attempt, Cached, Charged, Code, Finding, Kind, Outcome, Payload, Record, Served};
pub use recover::Opened;
pub use retention::Retention;
pub use verify::{Bad, Report, verify};
