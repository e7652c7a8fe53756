use super::*;
use crate::gguf::ElementType;
use crate::testing::{POSITIONS, WIDTH, unigram_model, wordpiece_model};

const TEXTS: [&str; 5] = ["驿站是驿站。", "the stations, the station", "A12!", "", "驿 站 1 é"];

fn open(bytes: Vec<u8>, precision: Precision, level: Level) -> Encoder {
    Encoder::new(Box::new(bytes), precision, level).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn vectors(encoder: &Encoder, texts: &[&str], threads: usize) -> Vec<Vec<f32>> {
    let (values, _) = encoder.embed(texts, "", threads).unwrap();
    values.chunks_exact(WIDTH).map(<[f32]>::to_vec).collect()
}

#[test]
fn every_level_and_precision_gives_nearly_the_same_vectors() {
    for bytes in [unigram_model(ElementType::Q4_0), unigram_model(ElementType::F16), wordpiece_model()] {
        let reference = vectors(&open(bytes.clone(), Precision::F32, Level::Portable), &TEXTS, 1);
        for level in Level::available() {
            for (precision, bound) in [(Precision::F32, 0.999_999), (Precision::Int8, 0.998)] {
                let got = vectors(&open(bytes.clone(), precision, level), &TEXTS, 1);
                for (a, b) in reference.iter().zip(&got) {
                    assert!((cosine(b, b) - 1.0).abs() < 1e-5);
                    assert!(cosine(a, b) > bound, "{level:?} {precision:?}: {}", cosine(a, b));
                }
            }
        }
    }
}

#[test]
fn vectors_of_bytes_are_the_same_on_every_processor() {
    let bytes = unigram_model(ElementType::Q4_0);
    let reference = vectors(&open(bytes.clone(), Precision::Int8, Level::Portable), &TEXTS, 1);
    for level in Level::available() {
        let got = vectors(&open(bytes.clone(), Precision::Int8, level), &TEXTS, 1);
        for (a, b) in reference.iter().zip(&got) {
            assert!(cosine(a, b) > 0.9999, "{level:?}");
        }
    }
}

#[test]
fn texts_differ_and_do_not_depend_on_their_company() {
    let encoder = open(unigram_model(ElementType::Q4_0), Precision::Int8, Level::best());
    let many: Vec<&str> = TEXTS.iter().copied().cycle().take(150).collect();
    let together = vectors(&encoder, &many, 3);
    for (index, text) in TEXTS.iter().enumerate() {
        let alone = vectors(&encoder, &[text], 1);
        assert!(cosine(&alone[0], &together[index + 145]) > 0.999_99);
    }
    assert!(cosine(&together[0], &together[1]) < 0.99);
}

#[test]
fn nothing_gives_no_rows_and_an_empty_text_one() {
    let encoder = open(wordpiece_model(), Precision::Int8, Level::best());
    assert_eq!(encoder.embed(&[] as &[&str], "", 0).unwrap(), (vec![], 0));
    let (values, tokens) = encoder.embed(&[""], "", 0).unwrap();
    assert_eq!((values.len(), tokens), (WIDTH, 2));
}

#[test]
fn a_long_text_is_cut_to_the_models_limit() {
    let encoder = open(unigram_model(ElementType::Q4_0), Precision::Int8, Level::best());
    assert_eq!(encoder.max_tokens(), POSITIONS);
    let (short, long) = ("站".repeat(POSITIONS - 3), "站".repeat(100_000));
    let (values, tokens) = encoder.embed(&[&short, &long], "", 2).unwrap();
    assert_eq!(tokens as usize, 2 * POSITIONS);
    assert!(cosine(&values[..WIDTH], &values[WIDTH..]) > 0.999_99);
    assert_eq!(encoder.token_ranges(&long).len(), 100_001);
}

#[test]
fn the_prefix_counts_and_matters() {
    let encoder = open(unigram_model(ElementType::Q4_0), Precision::Int8, Level::best());
    assert_eq!(encoder.prefixes(), &Prefixes { query: "query: ".into(), passage: "passage: ".into() });
    let (plain, _) = encoder.embed(&["驿站"], "", 1).unwrap();
    let (prefixed, tokens) = encoder.embed(&["驿站"], "A ", 1).unwrap();
    assert_eq!(tokens, 6);
    assert!(cosine(&plain, &prefixed) < 0.999);
}

#[test]
fn a_file_that_is_missing_says_what_to_do() {
    let error = Encoder::open(Path::new("/nowhere/model.gguf")).err().unwrap();
    assert_eq!(error.code(), yizhan_domain::ErrorCode::ModelUnavailable);
    assert!(error.message().contains("Pull the model"), "{error}");
}
