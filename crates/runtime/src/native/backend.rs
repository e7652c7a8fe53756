//! The CPU backend for the processor at hand: chosen among those that `build.rs` compiled, and loaded.
//!
//! It does not know models.

use super::log;
use llama_cpp_sys_2 as sys;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};

/// Name and shared object of each variant, from plain to newest.
const VARIANTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/variants.rs"));

/// Loads the best variant for this processor and prepares the library; its name comes back.
/// Called once per process, before anything else of this module.
pub(crate) fn load_backend() -> Result<&'static str> {
    log::install();
    let best = VARIANTS.iter().rev().find(|(name, _)| is_supported(name));
    let &(name, module) = best.ok_or_else(|| unavailable("no variant runs on this processor"))?;
    if !load_from_memory(module) && !load_from_file(name, module) {
        return Err(unavailable(&log::take_errors()));
    }
    // SAFETY: takes nothing; finds the backend that was just registered.
    unsafe { sys::llama_backend_init() };
    Ok(name)
}

fn unavailable(why: &str) -> Error {
    let message = format!("The inference engine's CPU backend cannot be loaded ({why}).");
    Error::new(ErrorCode::ModelUnavailable, message)
}

/// Whether processor and operating system have every instruction set of the variant. The names
/// and sets are those of `build.rs`.
#[cfg(target_arch = "x86_64")]
fn is_supported(name: &str) -> bool {
    use std::arch::is_x86_feature_detected as has;
    let avx2 = has!("sse4.2") && has!("avx2") && has!("fma") && has!("f16c") && has!("bmi2");
    let avx512 = avx2
        && has!("avx512f")
        && has!("avx512cd")
        && has!("avx512vl")
        && has!("avx512dq")
        && has!("avx512bw")
        && has!("avx512vnni");
    match name {
        "x86-64" => true,
        "avx2" => avx2,
        "avx2-vnni" => avx2 && has!("avxvnni"),
        "avx512-vnni" => avx512,
        "avx512-bf16" => avx512 && has!("avx512vbmi") && has!("avx512bf16"),
        _ => false,
    }
}

#[cfg(target_arch = "aarch64")]
fn is_supported(name: &str) -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    let armv82 = has!("dotprod") && has!("fp16");
    match name {
        "armv8.0" => true,
        "armv8.2" => armv82,
        "armv8.6" => armv82 && has!("i8mm"),
        _ => false,
    }
}

fn load_from_memory(module: &[u8]) -> bool {
    // SAFETY: the name ends with a zero; the result is checked.
    let fd = unsafe { libc::memfd_create(c"yizhan-ggml-cpu".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return false;
    }
    // SAFETY: `fd` was just created and belongs to nobody else.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(module).is_ok() && load(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
}

/// For systems without memory files or with `/proc` hidden: through a file that is unlinked at once.
fn load_from_file(name: &str, module: &[u8]) -> bool {
    let path: PathBuf = std::env::temp_dir().join(format!("yizhan-{name}-{}.so", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path);
    let loaded = file.and_then(|mut file| file.write_all(module)).is_ok() && load(&path);
    // Best effort: a file left behind in the temporary directory does no harm.
    let _ = std::fs::remove_file(&path);
    loaded
}

fn load(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_encoded_bytes()) else { return false };
    // SAFETY: the path ends with a zero. The object is one that `build.rs` compiled from the same
    // sources as the library, so its interface fits.
    !unsafe { sys::ggml_backend_load(path.as_ptr()) }.is_null()
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
