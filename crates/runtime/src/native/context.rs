//! A context: the cache of keys and values of several sequences, and the threads that compute.
//!
//! It does not know what the sequences are for.

use super::{Batch, Model, log};
use llama_cpp_sys_2 as sys;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use yizhan_domain::{Error, ErrorCode, Result};

/// Size of a context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContextSettings {
    /// Tokens that the cache holds, of all sequences together.
    pub(crate) cells: u32,
    /// Most sequences.
    pub(crate) sequences: u32,
    /// Most tokens of one batch.
    pub(crate) batch: u32,
    /// Threads that compute.
    pub(crate) threads: usize,
}

/// Why a batch was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The cache is full.
    NoSpace,
    /// The abort flag was raised; the sequences of the batch are in an undefined state.
    Aborted,
    /// The library failed with this number.
    Failed(i32),
}

type FreeThreadpool = unsafe extern "C" fn(*mut sys::ggml_threadpool);

/// A context of one model. Used by one thread at a time.
pub(crate) struct Context {
    context: NonNull<sys::llama_context>,
    threadpool: Option<(NonNull<sys::ggml_threadpool>, FreeThreadpool)>,
    abort: Arc<AtomicBool>,
    vocab_size: usize,
    // The context points into the model.
    _model: Arc<Model>,
}

// SAFETY: a context may be used from any thread, one at a time; it is not `Sync`.
unsafe impl Send for Context {}

impl Context {
    /// Allocates the cache and starts the threads.
    pub(crate) fn new(model: Arc<Model>, settings: ContextSettings) -> Result<Self> {
        let abort = Arc::new(AtomicBool::new(false));
        // SAFETY: takes nothing, returns a plain structure.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = settings.cells;
        params.n_batch = settings.batch;
        params.n_ubatch = settings.batch;
        params.n_seq_max = settings.sequences;
        params.n_threads = settings.threads as i32;
        params.n_threads_batch = settings.threads as i32;
        params.kv_unified = true;
        params.no_perf = true;
        params.abort_callback = Some(is_raised);
        params.abort_callback_data = Arc::as_ptr(&abort).cast_mut().cast::<c_void>();
        drop(log::take_errors());
        // SAFETY: the model is valid and outlives the context; the flag is kept beside it.
        let context = unsafe { sys::llama_init_from_model(model.as_ptr(), params) };
        let context = NonNull::new(context).ok_or_else(|| {
            let message = format!(
                "There is no memory for a context of {} tokens ({}). Choose a shorter context or fewer slots.",
                settings.cells,
                log::take_errors()
            );
            Error::new(ErrorCode::ModelUnavailable, message)
        })?;
        let vocab_size = model.vocab_size();
        let mut this = Self { context, threadpool: None, abort, vocab_size, _model: model };
        this.attach_threads(settings.threads);
        Ok(this)
    }

    /// Without a pool of its own the backend starts and ends threads for every batch.
    fn attach_threads(&mut self, threads: usize) {
        // SAFETY: the device list is not empty, since a context was made on it; null results are handled.
        unsafe {
            let device = sys::ggml_backend_dev_by_type(sys::GGML_BACKEND_DEVICE_TYPE_CPU);
            if device.is_null() {
                return;
            }
            let registry = sys::ggml_backend_dev_backend_reg(device);
            let make = sys::ggml_backend_reg_get_proc_address(registry, c"ggml_threadpool_new".as_ptr());
            let free = sys::ggml_backend_reg_get_proc_address(registry, c"ggml_threadpool_free".as_ptr());
            if make.is_null() || free.is_null() {
                return;
            }
            type MakeThreadpool = unsafe extern "C" fn(*mut sys::ggml_threadpool_params) -> *mut sys::ggml_threadpool;
            let make = std::mem::transmute::<*mut c_void, MakeThreadpool>(make);
            let free = std::mem::transmute::<*mut c_void, FreeThreadpool>(free);
            let mut params = sys::ggml_threadpool_params_default(threads as i32);
            let Some(pool) = NonNull::new(make(&mut params)) else { return };
            sys::llama_attach_threadpool(self.context.as_ptr(), pool.as_ptr(), pool.as_ptr());
            self.threadpool = Some((pool, free));
        }
    }

    /// Raise it from another thread to end the batch that is being computed.
    pub(crate) fn abort_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.abort)
    }

    /// Computes a batch and stores its tokens in the cache.
    pub(crate) fn decode(&mut self, batch: &mut Batch) -> std::result::Result<(), DecodeError> {
        let native = batch.as_native();
        // SAFETY: the batch's arrays have `n_tokens` elements and live during the call.
        match unsafe { sys::llama_decode(self.context.as_ptr(), native) } {
            0 => Ok(()),
            1 => Err(DecodeError::NoSpace),
            2 => Err(DecodeError::Aborted),
            code => Err(DecodeError::Failed(code)),
        }
    }

    /// Logits after the token at an index of the last batch, which must have asked for them.
    pub(crate) fn logits(&self, index: usize) -> &[f32] {
        // SAFETY: the library checks the index and returns null or `vocab_size` numbers, which stay
        // until the next batch; that needs `&mut self`.
        unsafe {
            let logits = sys::llama_get_logits_ith(self.context.as_ptr(), index as i32);
            if logits.is_null() { &[] } else { std::slice::from_raw_parts(logits, self.vocab_size) }
        }
    }

    /// Removes the tokens of a sequence from a position on. Models whose state cannot be cut lose
    /// the whole sequence, and false comes back.
    pub(crate) fn truncate(&mut self, sequence: i32, length: usize) -> bool {
        // SAFETY: the context has a memory, since it is a decoder's; any range may be given.
        unsafe {
            let memory = sys::llama_get_memory(self.context.as_ptr());
            if sys::llama_memory_seq_rm(memory, sequence, length as i32, -1) {
                return true;
            }
            sys::llama_memory_seq_rm(memory, sequence, -1, -1);
        }
        false
    }

    /// Makes the first tokens of one sequence also those of another, which must be empty. The
    /// cells are shared, nothing is computed.
    pub(crate) fn share_prefix(&mut self, from: i32, to: i32, length: usize) {
        // SAFETY: both sequences are below the maximum that the context was made with.
        unsafe {
            let memory = sys::llama_get_memory(self.context.as_ptr());
            sys::llama_memory_seq_cp(memory, from, to, 0, length as i32);
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: both came from the library; the context goes first, because it uses the threads.
        unsafe {
            sys::llama_free(self.context.as_ptr());
            if let Some((pool, free)) = self.threadpool.take() {
                free(pool.as_ptr());
            }
        }
    }
}

unsafe extern "C" fn is_raised(flag: *mut c_void) -> bool {
    // SAFETY: the context keeps the flag alive longer than itself.
    unsafe { &*flag.cast_const().cast::<AtomicBool>() }.load(Ordering::Relaxed)
}
