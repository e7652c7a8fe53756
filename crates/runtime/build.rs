//! Compiles llama.cpp's CPU backend once per instruction set, as modules that the worker loads at run time.
//!
//! `llama-cpp-sys-2` is built without that backend (`GGML_CPU=OFF` in `.cargo/config.toml`). One build for plain
//! x86-64 would be several times slower than the machine allows, one for the build machine's processor would
//! crash elsewhere. So each variant becomes a shared object whose `ggml_*` symbols are found in the executable
//! that loads it; the executable carries all of them, and `native/backend.rs` picks one when a worker starts.
//!
//! Two variants are left out on purpose: the AMX one, because gcc before 12.4 miscompiles the tile
//! configuration (llama.cpp issue 20824), and those whose gain over their neighbour is small.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A name, known to `native/backend.rs` too, and the compiler's flags.
type Variant = (&'static str, &'static [&'static str]);

/// From plain to newest. The sets are those of `ggml/src/CMakeLists.txt`.
const X86_64: &[Variant] = &[
    ("x86-64", &[]),
    ("avx2", &["-msse4.2", "-mavx", "-mf16c", "-mfma", "-mavx2", "-mbmi2"]),
    ("avx2-vnni", &["-msse4.2", "-mavx", "-mf16c", "-mfma", "-mavx2", "-mbmi2", "-mavxvnni"]),
    (
        "avx512-vnni",
        &[
            "-msse4.2",
            "-mavx",
            "-mf16c",
            "-mfma",
            "-mavx2",
            "-mbmi2",
            "-mavx512f",
            "-mavx512cd",
            "-mavx512vl",
            "-mavx512dq",
            "-mavx512bw",
            "-mavx512vnni",
        ],
    ),
    (
        "avx512-bf16",
        &[
            "-msse4.2",
            "-mavx",
            "-mf16c",
            "-mfma",
            "-mavx2",
            "-mbmi2",
            "-mavx512f",
            "-mavx512cd",
            "-mavx512vl",
            "-mavx512dq",
            "-mavx512bw",
            "-mavx512vbmi",
            "-mavx512vnni",
            "-mavx512bf16",
        ],
    ),
];

const AARCH64: &[Variant] = &[
    ("armv8.0", &["-march=armv8-a"]),
    ("armv8.2", &["-march=armv8.2-a+dotprod+fp16"]),
    ("armv8.6", &["-march=armv8.6-a+dotprod+fp16+i8mm"]),
];

const SOURCES: &[&str] = &[
    "ggml-cpu.c",
    "ggml-cpu.cpp",
    "repack.cpp",
    "hbm.cpp",
    "quants.c",
    "traits.cpp",
    "amx/amx.cpp",
    "amx/mmq.cpp",
    "tiled/tiled.cpp",
    "tiled/tiled-kernel.cpp",
    "binary-ops.cpp",
    "unary-ops.cpp",
    "vec.cpp",
    "ops.cpp",
    "llamafile/sgemm.cpp",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_LLAMA_GGML_CMAKE_DIR");
    export_symbols();

    let (directory, variants) = match env::var("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "x86_64" => ("x86", X86_64),
        "aarch64" => ("arm", AARCH64),
        other => return Err(format!("no CPU backend variants are defined for {other}").into()),
    };
    let ggml = ggml_sources()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::from("&[\n");
    for &(name, flags) in variants {
        let module = compile(&ggml, directory, name, flags, &out)?;
        writeln!(table, "    ({name:?}, include_bytes!({module:?})),")?;
    }
    table.push(']');
    fs::write(out.join("variants.rs"), table)?;
    Ok(())
}

/// The package's own binary and tests must offer ggml's symbols to the modules. Every other
/// executable that runs workers needs the same arguments from its own build script.
fn export_symbols() {
    for pattern in ["ggml_*", "quantize_*"] {
        println!("cargo:rustc-link-arg=-Wl,--export-dynamic-symbol={pattern}");
    }
}

/// `ggml/` in the sources that the sys crate was built from. Its CMake cache names them.
fn ggml_sources() -> Result<PathBuf, Box<dyn Error>> {
    let cmake = PathBuf::from(env::var("DEP_LLAMA_GGML_CMAKE_DIR")?);
    let out = cmake.ancestors().nth(2).ok_or("DEP_LLAMA_GGML_CMAKE_DIR is not deep enough")?;
    let cache = fs::read_to_string(out.join("build/CMakeCache.txt"))?;
    let home = cache.lines().find_map(|line| line.strip_prefix("CMAKE_HOME_DIRECTORY:INTERNAL="));
    Ok(Path::new(home.ok_or("no source directory in the CMake cache")?).join("ggml"))
}

fn compile(ggml: &Path, directory: &str, name: &str, flags: &[&str], out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cpu = ggml.join("src/ggml-cpu");
    let arch = [format!("arch/{directory}/quants.c"), format!("arch/{directory}/repack.cpp")];
    let sources = SOURCES.iter().copied().chain(arch.iter().map(String::as_str));
    let (c, cpp): (Vec<_>, Vec<_>) = sources.partition(|file| file.ends_with(".c"));
    let mut objects = Vec::new();
    for (files, is_cpp, standard) in [(c, false, "-std=gnu11"), (cpp, true, "-std=gnu++17")] {
        let mut build = cc::Build::new();
        build.cpp(is_cpp).flag(standard).files(files.iter().map(|file| cpu.join(file)));
        build.includes([ggml.join("include"), ggml.join("src"), cpu.clone()]);
        // The backend's speed matters in every profile; its symbols stay inside except the entry points.
        build.opt_level(3).debug(false).pic(true).warnings(false).cargo_metadata(false);
        build.flag("-fvisibility=hidden").flag("-ffunction-sections").flag("-fdata-sections").flag("-w");
        for define in ["GGML_BACKEND_DL", "GGML_BACKEND_BUILD", "GGML_BACKEND_SHARED", "NDEBUG", "_GNU_SOURCE"] {
            build.define(define, None);
        }
        build.define("_XOPEN_SOURCE", "600").define("GGML_SCHED_MAX_COPIES", "4");
        build.define("GGML_USE_LLAMAFILE", None).define("GGML_USE_CPU_REPACK", None);
        for flag in flags {
            build.flag(flag);
        }
        build.out_dir(out.join(name));
        objects.extend(build.try_compile_intermediates()?);
    }
    let module = out.join(format!("ggml-cpu-{name}.so"));
    let linker = cc::Build::new().cpp(true).get_compiler();
    let status = Command::new(linker.path())
        .args(["-shared", "-Wl,--gc-sections", "-Wl,--strip-all", "-o"])
        .arg(&module)
        .args(&objects)
        .args(["-lpthread", "-lm"])
        .status()?;
    if !status.success() {
        return Err(format!("linking {} failed", module.display()).into());
    }
    Ok(module)
}
