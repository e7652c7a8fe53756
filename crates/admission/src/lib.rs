//! Who goes first, and how much at once: a queue that is fair among tenants, a limit of calls at
//! once that adapts, and steps of degradation when the processor is short.
//!
//! Begin at [`Queue::enter`] and [`Ladder::observe`]. This crate does not know what a call does,
//! or what each step of degradation means for it.

mod cpu;
mod ladder;
mod queue;

pub use cpu::CpuMeter;
pub use ladder::{Ladder, LadderSettings, Step};
pub use queue::{Queue, QueueSettings, Slot, Verdict};
