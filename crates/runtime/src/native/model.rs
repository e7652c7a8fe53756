//! A loaded model: its weights (memory-mapped), its vocabulary and its metadata.
//!
//! It does not know contexts or sampling.

use super::{Token, log};
use llama_cpp_sys_2 as sys;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr::NonNull;
use yizhan_domain::{Error, ErrorCode, Result};

/// A GGUF decoder model.
pub(crate) struct Model {
    model: NonNull<sys::llama_model>,
    vocab: NonNull<sys::llama_vocab>,
}

// SAFETY: after loading, llama.cpp only reads model and vocabulary; its own server shares them among threads.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

impl Model {
    /// Maps the file. `ModelUnavailable` with the library's reason when it is not a model that runs here.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let unavailable = |why: &str| {
            let message = format!(
                "The model file '{}' cannot be loaded ({why}). Pull the model again, or choose another one.",
                path.display()
            );
            Error::new(ErrorCode::ModelUnavailable, message)
        };
        // The library's own message for a missing file is no help.
        std::fs::File::open(path).map_err(|error| unavailable(&error.to_string()))?;
        let c_path =
            CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| unavailable(&error.to_string()))?;
        // SAFETY: takes nothing, returns a plain structure.
        let mut params = unsafe { sys::llama_model_default_params() };
        params.n_gpu_layers = 0;
        params.load_mode = sys::LLAMA_LOAD_MODE_MMAP;
        drop(log::take_errors());
        // SAFETY: the path ends with a zero, the parameters are the library's defaults with two plain changes.
        let model = unsafe { sys::llama_model_load_from_file(c_path.as_ptr(), params) };
        let model = NonNull::new(model).ok_or_else(|| unavailable(&log::take_errors()))?;
        // SAFETY: the model is valid; its vocabulary lives as long as it.
        let vocab = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        match NonNull::new(vocab.cast_mut()) {
            Some(vocab) => Ok(Self { model, vocab }),
            None => Err(unavailable("no vocabulary")),
        }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::llama_model {
        self.model.as_ptr()
    }

    pub(super) fn vocab(&self) -> *const sys::llama_vocab {
        self.vocab.as_ptr()
    }

    /// Number of tokens in the vocabulary.
    pub(crate) fn vocab_size(&self) -> usize {
        // SAFETY: the vocabulary is valid.
        unsafe { sys::llama_vocab_n_tokens(self.vocab()) }.max(0) as usize
    }

    /// Tokens of context that it was trained with.
    pub(crate) fn trained_context(&self) -> u32 {
        // SAFETY: the model is valid.
        unsafe { sys::llama_model_n_ctx_train(self.as_ptr()) }.max(0) as u32
    }

    /// Whether the cache of a sequence can be cut and its beginning shared; not so where the model keeps
    /// one running state instead of keys and values.
    pub(crate) fn can_cut(&self) -> bool {
        // SAFETY: the model is valid.
        unsafe { !sys::llama_model_is_recurrent(self.as_ptr()) && !sys::llama_model_is_hybrid(self.as_ptr()) }
    }

    /// Whether it can answer at all; encoders cannot.
    pub(crate) fn is_decoder(&self) -> bool {
        // SAFETY: the model is valid.
        unsafe { sys::llama_model_has_decoder(self.as_ptr()) && !sys::llama_model_has_encoder(self.as_ptr()) }
    }

    /// The chat template in the file, if any.
    pub(crate) fn chat_template(&self) -> Option<String> {
        // SAFETY: the model is valid; a null name asks for the default template.
        let template = unsafe { sys::llama_model_chat_template(self.as_ptr(), std::ptr::null()) };
        // SAFETY: a non-null result ends with a zero and lives as long as the model.
        (!template.is_null()).then(|| unsafe { CStr::from_ptr(template) }.to_string_lossy().into_owned())
    }

    /// The begin-of-sequence token's text; empty when there is none.
    pub(crate) fn bos_text(&self) -> String {
        // SAFETY: the vocabulary is valid.
        self.text(unsafe { sys::llama_vocab_bos(self.vocab()) })
    }

    /// The end-of-sequence token's text; empty when there is none.
    pub(crate) fn eos_text(&self) -> String {
        // SAFETY: the vocabulary is valid.
        self.text(unsafe { sys::llama_vocab_eos(self.vocab()) })
    }

    fn text(&self, token: Token) -> String {
        if token < 0 || token as usize >= self.vocab_size() {
            return String::new();
        }
        // SAFETY: the token is in range; the text ends with a zero and lives as long as the vocabulary.
        unsafe { CStr::from_ptr(sys::llama_vocab_get_text(self.vocab(), token)) }.to_string_lossy().into_owned()
    }

    /// Texts that stand for a token with a meaning of its own, such as `<|im_end|>`.
    pub(crate) fn special_texts(&self) -> Vec<String> {
        let special = |&token: &Token| {
            // SAFETY: the token is in range.
            let attributes = unsafe { sys::llama_vocab_get_attr(self.vocab(), token) };
            attributes & sys::LLAMA_TOKEN_ATTR_CONTROL != 0
        };
        let texts = (0..self.vocab_size() as Token).filter(special).map(|token| self.text(token));
        texts.filter(|text| text.len() > 1).collect()
    }

    /// Whether the token ends an answer.
    pub(crate) fn is_end(&self, token: Token) -> bool {
        // SAFETY: the vocabulary is valid, any token may be asked.
        unsafe { sys::llama_vocab_is_eog(self.vocab(), token) }
    }

    /// The tokens of a text. `add_special` adds what the model wants at the beginning, `parse_special`
    /// reads texts such as `<|im_end|>` as the token that they name.
    pub(crate) fn tokenize(&self, text: &str, add_special: bool, parse_special: bool) -> Result<Vec<Token>> {
        let too_long = || Error::invalid("messages", "The text is too long to be cut into tokens.");
        let length = i32::try_from(text.len()).map_err(|_| too_long())?;
        let mut tokens: Vec<Token> = vec![0; text.len() / 3 + 16];
        loop {
            let room = i32::try_from(tokens.len()).map_err(|_| too_long())?;
            // SAFETY: text and room are passed with their lengths.
            let count = unsafe {
                sys::llama_tokenize(
                    self.vocab(),
                    text.as_ptr().cast::<c_char>(),
                    length,
                    tokens.as_mut_ptr(),
                    room,
                    add_special,
                    parse_special,
                )
            };
            if count >= 0 {
                tokens.truncate(count as usize);
                return Ok(tokens);
            }
            // A negative number is the room that it needs; i32::MIN means more than fits.
            let needed = count.checked_neg().ok_or_else(too_long)?;
            if needed <= room {
                return Err(Error::internal("The tokenizer failed."));
            }
            tokens.resize(needed as usize, 0);
        }
    }

    /// Appends the bytes that a token stands for; a control token stands for none. The bytes of
    /// one token need not be whole characters.
    pub(crate) fn push_piece(&self, token: Token, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        let mut room = 64;
        loop {
            bytes.resize(start + room, 0);
            // SAFETY: the room after `start` is passed with its length.
            let written = unsafe {
                let target = bytes.as_mut_ptr().add(start).cast::<c_char>();
                sys::llama_token_to_piece(self.vocab(), token, target, room as i32, 0, false)
            };
            if written >= 0 {
                bytes.truncate(start + written as usize);
                return;
            }
            let needed = written.unsigned_abs() as usize;
            if needed <= room {
                bytes.truncate(start);
                return;
            }
            room = needed;
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the model came from the library and contexts hold a reference to this owner.
        unsafe { sys::llama_model_free(self.as_ptr()) }
    }
}
