use super::*;
use yizhan_domain::{ChunkId, DocumentId};

fn found(document: u64, ordinal: u32, text: &str) -> Found {
    let mut lines = crate::lines::plain_lines(text);
    lines.iter_mut().for_each(|line| line.page = Some(ordinal + 1));
    let chunk = Chunk {
        id: ChunkId(document * 100 + u64::from(ordinal)),
        document: DocumentId(document),
        file: FileId::new(format!("file-{document}")),
        name: format!("{document}.pdf"),
        ordinal,
        text: text.to_owned(),
        heading: vec![],
        lines,
        tokens: 1,
    };
    Found { chunk, score: 1.0, cosine: None, bm25: None }
}

#[test]
fn neighbours_become_one_source_and_their_overlap_stands_once() {
    let found = [found(1, 4, "c d\ne f"), found(2, 0, "other"), found(1, 3, "a b\nc d"), found(1, 5, "f\ng")];
    let grounding = Grounding::new("", &found, 2);
    assert_eq!(grounding.sources.len(), 2);
    let first = &grounding.sources[0];
    assert_eq!((first.index, first.text.as_str()), (1, "a b\nc d\ne f\ng"));
    for line in &first.lines {
        assert!(line.end as usize <= first.text.len() && line.start < line.end, "{line:?}");
    }
    assert_eq!(&first.text[first.lines.last().unwrap().start as usize..], "g");
}

#[test]
fn the_question_comes_after_its_sources_and_the_instructions_before_everything() {
    let grounding = Grounding::new("", &[found(1, 0, "apt 是包管理器")], 3);
    let conversation = [
        Message::text(Role::System, "Be polite."),
        Message::text(Role::User, "Hi"),
        Message::text(Role::Assistant, "Hello"),
        Message::text(Role::User, "apt 是什么？"),
    ];
    let instructions = Instructions {
        role: Some("你是手册助手。".into()),
        examples: vec![Example { question: "q".into(), answer: "a".into() }],
        ..Instructions::default()
    };
    let messages = grounding.messages(&conversation, &instructions);
    let roles: Vec<&str> = messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user", "assistant", "user"]);
    let (system, last) = (messages[0].content.text(), messages[5].content.text());
    assert!(system.starts_with("你是手册助手。") && system.ends_with("Be polite."), "{system}");
    assert!(last.starts_with("资料 1：apt 是包管理器\n\n问题：apt 是什么？\n"), "{last}");
}

#[test]
fn the_language_is_the_questions() {
    assert_eq!(Language::of("如何用 apt-get 安装 build-essential？"), Language::Chinese);
    assert_eq!(Language::of("What does 你好 mean in English, please?"), Language::English);
    assert_eq!(Language::of(""), Language::English);
}
