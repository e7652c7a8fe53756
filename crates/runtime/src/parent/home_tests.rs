use super::*;

#[test]
fn the_first_death_costs_nothing_and_later_ones_ever_more() {
    assert_eq!(pause_after(0), None);
    assert_eq!(pause_after(1), None);
    assert_eq!(pause_after(2), Some(FIRST_PAUSE));
    assert_eq!(pause_after(4), Some(FIRST_PAUSE * 4));
    assert_eq!(pause_after(u32::MAX), Some(LONGEST_PAUSE));
}

#[test]
fn a_worker_that_keeps_dying_is_not_started_without_pause() {
    let settings = Settings {
        path: "none.gguf".into(),
        threads: 1,
        context: 1,
        cache: 1,
        slots: 1,
        queue: 1,
        query_prefix: None,
        passage_prefix: None,
    };
    let home = Home::new(Program::at("/bin/false"), "chat", "m".into(), Limits::default(), settings);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let codes: Vec<String> = (0..3)
        .map(|_| {
            let ended = home.call(|id| Request::Cancel { id }).map(|mut call| runtime.block_on(call.next()));
            match ended {
                Ok(answer) => answer.unwrap_err().message().to_owned(),
                Err(error) => error.message().to_owned(),
            }
        })
        .collect();
    assert!(codes[0].contains("exit status 1"), "{codes:?}");
    assert!(codes[2].contains("died 2 times"), "{codes:?}");
}
