//! A grammar that an answer must follow, token by token.
//!
//! It does not know where the grammar comes from.

use super::{Model, Token};
use llama_cpp_sys_2 as sys;
use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::Arc;
use yizhan_domain::{Error, Result};

/// The state of one answer in a GBNF grammar whose start is `root`.
pub(crate) struct Grammar {
    sampler: NonNull<sys::llama_sampler>,
    // The sampler points into the vocabulary.
    _model: Arc<Model>,
}

// SAFETY: the sampler is used by one thread at a time.
unsafe impl Send for Grammar {}

impl Grammar {
    /// Parses the grammar.
    pub(crate) fn new(model: &Arc<Model>, text: &str) -> Result<Self> {
        let wrong = || Error::invalid("response_format", "The grammar of this response format cannot be used.");
        let text = CString::new(text).map_err(|_| wrong())?;
        // SAFETY: both texts end with a zero, the vocabulary is valid.
        let sampler = unsafe { sys::llama_sampler_init_grammar(model.vocab(), text.as_ptr(), c"root".as_ptr()) };
        Ok(Self { sampler: NonNull::new(sampler).ok_or_else(wrong)?, _model: Arc::clone(model) })
    }

    /// Whether the token may come next.
    pub(crate) fn allows(&mut self, token: Token) -> bool {
        let mut one = [(token, 0.0)];
        self.restrict(&mut one);
        one[0].1 > f32::NEG_INFINITY
    }

    /// Sets the logit of every token that may not come next to minus infinity.
    pub(crate) fn restrict(&mut self, candidates: &mut [(Token, f32)]) {
        let mut data: Vec<sys::llama_token_data> =
            candidates.iter().map(|&(id, logit)| sys::llama_token_data { id, logit, p: 0.0 }).collect();
        let mut array =
            sys::llama_token_data_array { data: data.as_mut_ptr(), size: data.len(), selected: -1, sorted: false };
        // SAFETY: the array describes `data`; the grammar sampler only writes logits.
        unsafe { sys::llama_sampler_apply(self.sampler.as_ptr(), &mut array) };
        for (candidate, data) in candidates.iter_mut().zip(&data) {
            candidate.1 = data.logit;
        }
    }

    /// Moves on by a token, which must be an allowed one.
    pub(crate) fn accept(&mut self, token: Token) {
        // SAFETY: the sampler is valid.
        unsafe { sys::llama_sampler_accept(self.sampler.as_ptr(), token) }
    }
}

impl Drop for Grammar {
    fn drop(&mut self) {
        // SAFETY: the sampler came from the library.
        unsafe { sys::llama_sampler_free(self.sampler.as_ptr()) }
    }
}
