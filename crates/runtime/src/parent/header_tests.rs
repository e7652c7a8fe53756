use super::*;
use proptest::prelude::*;

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn sample(architecture: &str) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out.extend(5u64.to_le_bytes());
    text(&mut out, "general.architecture");
    out.extend(8u32.to_le_bytes());
    text(&mut out, architecture);
    text(&mut out, "tokenizer.scores");
    out.extend(9u32.to_le_bytes());
    out.extend(6u32.to_le_bytes());
    out.extend(2u64.to_le_bytes());
    out.extend([0; 8]);
    for (key, value) in [("context_length", 512u32), ("embedding_length", 384)] {
        text(&mut out, &format!("{architecture}.{key}"));
        out.extend(4u32.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    text(&mut out, "yizhan.embed.max_tokens");
    out.extend(10u32.to_le_bytes());
    out.extend(256u64.to_le_bytes());
    out
}

#[test]
fn the_facts_are_found_between_other_things() {
    let header = Header::parse(&mut sample("bert").as_slice()).unwrap();
    assert_eq!(header.embedding(Path::new("x")).unwrap(), (384, 256));
    let header = Header::parse(&mut sample("qwen2").as_slice()).unwrap();
    assert_eq!(header.context, Some(512));
    assert_eq!(header.embedding(Path::new("x")).unwrap_err().code(), ErrorCode::ModelUnavailable);
}

#[test]
fn every_cut_header_is_an_error() {
    let whole = sample("bert");
    for cut in 0..whole.len() {
        assert!(Header::parse(&mut &whole[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn no_bytes_crash_it(mut tail in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..150) {
        let _ = Header::parse(&mut tail.as_slice());
        let mut bytes = sample("bert");
        bytes.truncate(at);
        bytes.append(&mut tail);
        let _ = Header::parse(&mut bytes.as_slice());
    }
}
