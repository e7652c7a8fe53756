//! The program `yizhan`.
fn main() {}
