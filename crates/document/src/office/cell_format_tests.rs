use super::*;
use calamine::ExcelDateTimeType;

#[test]
fn numbers_look_as_the_sheet_shows_them() {
    for (value, format, text) in [
        (1234.5, "#,##0.00", "1,234.50"),
        (0.125, "0.0%", "12.5%"),
        (-3.0, "0.00", "-3.00"),
        (-3.0, "0.00;(0.00)", "(3.00)"),
        (1299.0, "[$¥-804]#,##0", "¥1,299"),
        (12.0, "0\" 天\"", "12 天"),
        (1.5, "0.##", "1.5"),
        (2.0, "0.##", "2"),
        (0.1 + 0.2, "General", "0.3"),
        (20240101.0, "General", "20240101"),
        (1e20, "General", "1e20"),
    ] {
        assert_eq!(show(&DataRef::Float(value), Some(format)), text, "{value} as {format}");
    }
}

#[test]
fn dates_are_iso() {
    let date = |value| show(&DataRef::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false)), None);
    assert_eq!(date(45_413.0), "2024-05-01");
    assert_eq!(date(45_413.5), "2024-05-01 12:00");
    assert_eq!(date(0.75), "18:00");
}
