use super::*;
use yizhan_document::Block;

/// One token per word or Chinese character.
struct Words;

impl Tokens for Words {
    fn ranges(&self, texts: &[&str]) -> Result<Vec<Vec<Range<u32>>>> {
        Ok(texts.iter().map(|text| word_ranges(text)).collect())
    }
}

fn block(kind: BlockKind, text: &str, page: u32) -> Block {
    let mut lines = plain_lines(text);
    lines.iter_mut().for_each(|line| line.page = Some(page));
    Block { kind, text: text.to_owned(), lines }
}

fn paragraph(text: &str, page: u32) -> Block {
    block(BlockKind::Paragraph, text, page)
}

fn heading(level: u8, text: &str) -> Block {
    block(BlockKind::Heading { level }, text, 1)
}

fn document(blocks: Vec<Block>) -> Parsed {
    Parsed { blocks, pages: Some(3), ..Parsed::default() }
}

fn cut(parsed: &Parsed, chunking: Chunking) -> Processed {
    let processed = chunk_document(parsed, chunking, &Words).unwrap();
    for chunk in &processed.chunks {
        for line in &chunk.lines {
            assert!(line.start < line.end && line.end as usize <= chunk.text.len(), "{line:?} in {chunk:?}");
            assert!(chunk.text.is_char_boundary(line.start as usize) && chunk.text.is_char_boundary(line.end as usize));
        }
    }
    processed
}

#[test]
fn windows_have_their_length_share_their_overlap_and_cover_everything() {
    let words: Vec<String> = (0..300).map(|n| format!("w{n}")).collect();
    let parsed = document(vec![paragraph(&words.join(" "), 1)]);
    let chunks = cut(&parsed, Chunking::Window { tokens: 128, overlap: 32 }).chunks;
    let spans: Vec<(&str, &str)> = chunks
        .iter()
        .map(|chunk| (chunk.text.split(' ').next().unwrap(), chunk.text.split(' ').next_back().unwrap()))
        .collect();
    assert_eq!(spans, [("w0", "w127"), ("w96", "w223"), ("w192", "w299")]);
    assert_eq!(chunks.iter().map(|chunk| chunk.tokens).collect::<Vec<_>>(), [128, 128, 108]);
}

#[test]
fn a_short_document_is_one_chunk_and_an_empty_one_none() {
    assert_eq!(cut(&document(vec![paragraph("你好，驿站。", 1)]), Chunking::default()).chunks.len(), 1);
    assert!(cut(&document(vec![]), Chunking::default()).chunks.is_empty());
    assert!(cut(&document(vec![paragraph("  ", 1)]), Chunking::default()).chunks.is_empty());
}

#[test]
fn a_window_knows_its_heading_and_the_page_of_each_line() {
    let parsed = document(vec![
        heading(1, "Install"),
        heading(2, "From source"),
        paragraph("one two\nthree four", 2),
        heading(1, "Use"),
        paragraph("five six", 3),
    ]);
    let chunks = cut(&parsed, Chunking::Window { tokens: 4, overlap: 0 }).chunks;
    assert_eq!(chunks[1].text, "two\nthree four\nUse");
    assert_eq!(chunks[1].heading, ["Install", "From source"]);
    assert_eq!(chunks[1].lines.iter().map(|line| line.page).collect::<Vec<_>>(), [Some(2), Some(2), Some(1)]);
    assert_eq!(chunks[2].heading, ["Use"]);
}

#[test]
fn structure_keeps_sections_apart_and_chunks_point_to_them() {
    let parsed = document(vec![
        heading(1, "Book"),
        heading(2, "First"),
        paragraph("alpha beta gamma", 1),
        heading(2, "Second"),
        paragraph("delta epsilon", 2),
    ]);
    let processed = cut(&parsed, Chunking::Structure { tokens: 64 });
    let headings: Vec<_> = processed.sections.iter().map(|section| section.heading.join("/")).collect();
    assert_eq!(headings, ["Book/First", "Book/Second"], "a heading with nothing of its own makes no section");
    assert_eq!(processed.chunks[1].section, Some(1));
    assert_eq!(processed.chunks[1].text, "Second\ndelta epsilon");
}

#[test]
fn a_heading_without_anything_below_is_still_found() {
    let processed = cut(&document(vec![heading(1, "Nothing follows")]), Chunking::Structure { tokens: 64 });
    assert_eq!(processed.chunks[0].text, "Nothing follows");
}

#[test]
fn a_table_stays_whole_or_repeats_its_header() {
    let row = |n: usize| format!("| item{n} | {n} |");
    let small: Vec<String> = (0..5).map(row).collect();
    let large: Vec<String> = (0..200).map(row).collect();
    let table =
        |rows: &[String]| block(BlockKind::Table, &format!("| name | price |\n| --- | --- |\n{}", rows.join("\n")), 1);
    let whole = cut(&document(vec![table(&small)]), Chunking::Structure { tokens: 16 });
    assert_eq!(whole.chunks.len(), 1);
    let split = cut(&document(vec![table(&large)]), Chunking::Structure { tokens: 16 });
    assert!(split.chunks.len() > 3);
    for chunk in &split.chunks {
        assert!(chunk.text.starts_with("| name | price |\n| --- | --- |\n"), "{}", chunk.text);
    }
    let seen: String = split.chunks.iter().map(|chunk| chunk.text.as_str()).collect::<Vec<_>>().join("\n");
    for n in 0..200 {
        assert_eq!(seen.matches(&format!("| item{n} |")).count(), 1, "item{n}");
    }
}

#[test]
fn long_prose_is_cut_after_sentences() {
    let sentence = "这是一个关于退货政策的句子。";
    let processed = cut(&document(vec![paragraph(&sentence.repeat(20), 1)]), Chunking::Structure { tokens: 40 });
    assert!(processed.chunks.len() > 5);
    for chunk in &processed.chunks {
        assert!(chunk.text.ends_with('。') && chunk.tokens <= 40, "{chunk:?}");
    }
    let whole: String = processed.chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(whole, sentence.repeat(20));
}

#[test]
fn words_are_tokens_where_there_is_no_model() {
    let text = "装 GPU-2 卡";
    let words: Vec<&str> = word_ranges(text).iter().map(|r| &text[r.start as usize..r.end as usize]).collect();
    assert_eq!(words, ["装", "GPU", "-", "2", "卡"]);
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_panics(
            texts in proptest::collection::vec("[a-z 中文。.\n]{0,60}", 0..12),
            tokens in 0u32..40,
            overlap in 0u32..50,
        ) {
            let blocks = texts.iter().enumerate().map(|(n, text)| match n % 4 {
                0 => heading((n % 3) as u8 + 1, text),
                1 => block(BlockKind::Table, text, 1),
                _ => paragraph(text, 1),
            });
            let parsed = document(blocks.collect());
            for chunking in [Chunking::Window { tokens, overlap }, Chunking::Structure { tokens }] {
                let processed = cut(&parsed, chunking);
                let all: String = processed.chunks.iter().map(|chunk| format!("{} {}\n", chunk.heading.join(" "), chunk.text)).collect();
                for word in texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphabetic())) {
                    prop_assert!(all.contains(word), "{word:?} is missing under {chunking:?}");
                }
            }
        }
    }
}
