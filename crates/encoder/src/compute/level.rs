//! What the processor can do, found out when the program runs.

/// Sets of instructions with kernels of their own, from least to most. A level other than `Portable` must only be
/// taken from [`Level::available`] or [`Level::best`]: kernels rely on the processor having it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Whatever the compiler's target has.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX2 and FMA, and AVX-VNNI's dot products of bytes.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX-512 with its dot products of bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Every level that this processor has, the best one last.
    pub(crate) fn available() -> Vec<Level> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "other processors have one level"))]
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            levels.push(Level::Avx2);
            if is_x86_feature_detected!("avxvnni") {
                levels.push(Level::AvxVnni);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                levels.push(Level::Avx512);
            }
        }
        levels
    }

    /// The best level of this processor.
    pub(crate) fn best() -> Level {
        Self::available().last().copied().unwrap_or(Level::Portable)
    }
}
