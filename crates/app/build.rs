//! Lets the program's workers load the CPU backend: see `crates/runtime/build.rs`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for pattern in ["ggml_*", "quantize_*"] {
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol={pattern}");
    }
}
