use super::*;
use axum::body::Body as AnyBody;
use futures_util::{StreamExt, stream};
use std::convert::Infallible;

const PATIENCE: Duration = Duration::from_secs(60);

/// A body of pieces, each after its pause in seconds; with 240 bytes a second wanted. What came, and how it ended.
async fn taken(pieces: Vec<(u64, usize)>) -> (usize, Option<Error>) {
    let pieces = stream::iter(pieces).then(|(pause, bytes)| async move {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        Ok::<_, Infallible>(Bytes::from(vec![b'x'; bytes]))
    });
    let body = Paced::new(AnyBody::from_stream(pieces.boxed()), PATIENCE, 240);
    let mut frames = AnyBody::new(body).into_data_stream();
    let mut taken = 0;
    while let Some(frame) = frames.next().await {
        match frame {
            Ok(frame) => taken += frame.len(),
            Err(error) => return (taken, Some(too_late(&error).expect("the one error that there is"))),
        }
    }
    (taken, None)
}

#[tokio::test(start_paused = true)]
async fn a_body_in_time_is_taken_whole() {
    assert_eq!(taken(vec![(0, 100), (59, 100), (0, 0)]).await, (200, None));
    // As slow as allowed, for ten minutes.
    assert_eq!(taken(vec![(50, 12_000); 12]).await, (144_000, None));
    // What came quickly allows a pause later, but none beyond the patience.
    assert_eq!(taken(vec![(0, 1_000_000), (59, 1), (59, 1), (59, 1)]).await, (1_000_003, None));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_body_after_the_patience() {
    for pieces in [vec![(61, 100)], vec![(0, 1_000_000), (61, 100)]] {
        let begin = Instant::now();
        let error = taken(pieces).await.1.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 60);
        assert_eq!(error.code(), ErrorCode::RequestTimeout);
        assert_eq!(error.message(), "No part of the body came for 60 seconds; send it again.");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trickle_ends_though_it_never_pauses_for_long() {
    let begin = Instant::now();
    let (bytes, error) = taken(vec![(1, 1); 1_000_000]).await;
    assert_eq!((begin.elapsed().as_secs(), bytes), (60, 60));
    let message = error.unwrap().message().to_owned();
    assert!(message.starts_with("The body came too slowly: 60 bytes so far."), "{message}");
    // A little under the rate is found out too, if later.
    let begin = Instant::now();
    let (_, error) = taken(vec![(10, 2160); 1_000_000]).await;
    assert_eq!(begin.elapsed().as_secs(), 519);
    assert!(error.is_some());
}

#[tokio::test(start_paused = true)]
async fn time_without_waiting_for_the_sender_does_not_count() {
    let pieces = stream::iter(vec![Ok::<_, Infallible>(Bytes::from_static(b"x")); 3]);
    let mut frames = AnyBody::new(Paced::new(AnyBody::from_stream(pieces), PATIENCE, 240)).into_data_stream();
    for _ in 0..3 {
        assert!(frames.next().await.unwrap().is_ok());
        tokio::time::advance(Duration::from_secs(1000)).await;
    }
    assert!(frames.next().await.is_none());
}
