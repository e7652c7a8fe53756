//! Server-sent events: the same events however the body is cut, and none longer than the limit allows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yizhan_fuzz::{pieces, split_off};
use yizhan_provider::{SseEvent, SseFault, SseParser};

type Events = Vec<(Vec<u8>, Vec<u8>)>;

fn read(limit: usize, pieces: &[&[u8]]) -> (Events, Result<(), SseFault>) {
    let (mut parser, mut events) = (SseParser::with_limit(limit), Events::new());
    let mut take = |event: SseEvent<'_>| {
        events.push((event.name.to_vec(), event.data.to_vec()));
        Ok(())
    };
    let fed = pieces.iter().try_for_each(|piece| parser.feed(piece, &mut take));
    let ended = fed.and_then(|()| parser.finish(&mut take));
    (events, ended)
}

fuzz_target!(|data: &[u8]| {
    let (cuts, body) = split_off(data, 8);
    let whole = read(usize::MAX, &[body]);
    assert!(whole.1.is_ok(), "there is no limit");
    for cuts in [cuts, &[1]] {
        let cut = pieces(body, cuts);
        assert_eq!(read(usize::MAX, &cut), whole, "cut into {} pieces", cut.len());
        let (events, ended) = read(64, &cut);
        // What came before a fault is the same.
        assert_eq!(events, whole.0[..events.len()]);
        assert!(ended.is_err() || events.len() == whole.0.len());
        if cuts == [1] {
            assert!(events.iter().all(|(name, data)| name.len() <= 64 && data.len() <= 64));
        }
    }
});
