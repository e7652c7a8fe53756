use super::*;

#[test]
fn the_kernels_files_are_read() {
    assert_eq!(quota_of("150000 100000\n"), Some(1.5));
    assert_eq!(quota_of("max 100000\n"), None);
    assert_eq!(quota_of(""), None);
    assert_eq!(used_by_cgroup("usage_usec 2500\nuser_usec 1\n"), Some(Duration::from_micros(2500)));
    assert_eq!(used_by_cgroup("nothing"), None);
    let stat = "cpu  100 20 30 4000 500 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
    assert_eq!(used_by_machine(stat), Some(Duration::from_millis(1710)));
    assert_eq!(used_by_machine("cpu 1 2"), None);
}

#[test]
fn the_cgroup_is_found_only_where_it_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("app.slice");
    std::fs::create_dir(&folder).unwrap();
    let found = || cgroup_folder("0::/app.slice\n", root.path());
    assert_eq!(found(), None);
    std::fs::write(folder.join("cpu.stat"), "usage_usec 1").unwrap();
    std::fs::write(folder.join("cpu.max"), "max 100000").unwrap();
    assert_eq!(found(), Some(folder));
    assert_eq!(cgroup_folder("1:cpu:/old\n", root.path()), None, "version 1 is not read");
}

#[test]
fn a_busy_thread_is_seen() {
    let mut meter = CpuMeter::new();
    meter.measure();
    let until = Instant::now() + Duration::from_millis(30);
    let mut sum = 0u64;
    while Instant::now() < until {
        sum = std::hint::black_box(sum.wrapping_add(1));
    }
    let busy = meter.measure();
    assert!(busy > 0.0 && busy <= 1.0, "{busy}");
}
