//! Tokens of several sequences that are computed together.
//!
//! It does not know why a token is in the batch.

use super::Token;
use llama_cpp_sys_2 as sys;

/// A batch under construction; reused from step to step.
#[derive(Default)]
pub(crate) struct Batch {
    tokens: Vec<Token>,
    positions: Vec<i32>,
    sequences: Vec<i32>,
    outputs: Vec<i8>,
    sequence_counts: Vec<i32>,
    sequence_pointers: Vec<*mut i32>,
}

// SAFETY: the pointers point into the batch's own vector and are renewed before each use.
unsafe impl Send for Batch {}

impl Batch {
    /// Removes all tokens.
    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.positions.clear();
        self.sequences.clear();
        self.outputs.clear();
    }

    /// Appends a token at a position of a sequence; `output` asks for the logits after it. The
    /// token's index in the batch comes back.
    pub(crate) fn push(&mut self, token: Token, position: usize, sequence: i32, output: bool) -> usize {
        self.tokens.push(token);
        self.positions.push(position as i32);
        self.sequences.push(sequence);
        self.outputs.push(i8::from(output));
        self.tokens.len() - 1
    }

    /// The library's view of it, valid until the batch changes.
    pub(super) fn as_native(&mut self) -> sys::llama_batch {
        self.sequence_counts.clear();
        self.sequence_counts.resize(self.tokens.len(), 1);
        self.sequence_pointers.clear();
        let base = self.sequences.as_mut_ptr();
        // One sequence a token, so the pointers walk through the vector.
        self.sequence_pointers.extend((0..self.sequences.len()).map(|index| base.wrapping_add(index)));
        sys::llama_batch {
            n_tokens: self.tokens.len() as i32,
            token: self.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: self.positions.as_mut_ptr(),
            n_seq_id: self.sequence_counts.as_mut_ptr(),
            seq_id: self.sequence_pointers.as_mut_ptr(),
            logits: self.outputs.as_mut_ptr(),
        }
    }
}
