//! llama.cpp's log: errors go to standard error, the rest nowhere. Its warnings are about how a
//! model file was made, and nothing that a user could act on.
//!
//! It does not know who reads it. The last error is kept, because the library's functions return
//! a bare null and say only here why.

use llama_cpp_sys_2 as sys;
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, PoisonError};

static LAST_ERROR: Mutex<String> = Mutex::new(String::new());

/// Routes both libraries' logs here.
pub(super) fn install() {
    // SAFETY: the callback is a static function that takes no user data.
    unsafe {
        sys::llama_log_set(Some(receive), std::ptr::null_mut());
        sys::ggml_log_set(Some(receive), std::ptr::null_mut());
    }
}

/// The errors since the last call, as one line.
pub(super) fn take_errors() -> String {
    std::mem::take(&mut *LAST_ERROR.lock().unwrap_or_else(PoisonError::into_inner))
}

unsafe extern "C" fn receive(level: sys::ggml_log_level, text: *const c_char, _user: *mut c_void) {
    if text.is_null() || level != sys::GGML_LOG_LEVEL_ERROR {
        return;
    }
    // SAFETY: llama.cpp passes a text that ends with a zero and lives during the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim();
    // What an aborted batch leaves behind: the caller went away, nothing failed.
    if text.ends_with("ggml_backend_sched_graph_compute_async failed with error 1") {
        return;
    }
    {
        let mut errors = LAST_ERROR.lock().unwrap_or_else(PoisonError::into_inner);
        if errors.len() < 2000 {
            if !errors.is_empty() {
                errors.push_str("; ");
            }
            errors.push_str(text);
        }
    }
    eprintln!("llama.cpp: {text}");
}
