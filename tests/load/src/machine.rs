//! Where figures come from: they mean nothing without it.

/// The machine and the build, in a line.
pub(crate) fn line() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|load| load.split(' ').next()).unwrap_or("unknown");
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "{cores} cores ({model}), {}, load average at the start {load}, {build} build",
        std::env::consts::OS
    )
}

fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
