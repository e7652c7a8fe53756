use super::*;

#[test]
fn every_rotation_maps_the_corner_that_is_shown_top_left_to_the_origin() {
    let bounds = [10.0, 20.0, 110.0, 220.0];
    let corners = [(10.0, 220.0), (10.0, 20.0), (110.0, 20.0), (110.0, 220.0)];
    for (turns, (x, y)) in corners.into_iter().enumerate() {
        let frame = Frame::new(bounds, turns as i32);
        assert_eq!(frame.point(x, y), (0.0, 0.0), "{turns}");
        assert_eq!(frame.size(), if turns % 2 == 0 { (100.0, 200.0) } else { (200.0, 100.0) });
        let (width, height) = frame.size();
        assert_eq!(frame.rect(10.0, 20.0, 110.0, 220.0), Rect([0.0, 0.0, width, height]));
    }
}

#[test]
fn text_that_stands_upright_as_displayed_has_direction_zero() {
    // On a page shown turned by a quarter clockwise, text drawn upwards in page space reads rightwards.
    assert_eq!(Frame::new([0.0, 0.0, 1.0, 1.0], 1).direction(0.0, 1.0), Some(0));
    assert_eq!(Frame::new([0.0, 0.0, 1.0, 1.0], 0).direction(1.0, 0.0), Some(0));
    assert_eq!(Frame::new([0.0, 0.0, 1.0, 1.0], 0).direction(1.0, 1.0), None);
}
