//! What the core's operations cost by themselves, natively and without a host.
//!
//! ```text
//!  linkgate-prices list               the operations
//!  linkgate-prices time               a price list: nanoseconds of each operation, and of each step in it
//!  linkgate-prices run OPERATION N    plays one N times, in a function of its own, for callgrind to count
//! ```
//!
//! Everything is fixed: the keys and tokens are texts, the clock does not move, and the host's answer to a signature is
//! *yes*. `cargo xtask instructions` counts with it. It does **not** measure wasm, nor a host: `linkgate-load bench` does.

mod fixture;
mod operation;
mod time;

use std::process::ExitCode;

use operation::Operation;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("linkgate-prices: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<String, String> {
    match words {
        ["list"] => Ok(Operation::ALL.map(|operation| format!("{}\n", operation.name())).concat()),
        ["time"] => time::list(),
        ["run", name, times] => {
            let operation = Operation::named(name)?;
            let times = times.parse().map_err(|_| format!("`{times}` is not a number"))?;
            operation.count(times).map(|()| String::new())
        }
        _ => Err("say `list`, `time`, or `run OPERATION N`".to_owned()),
    }
}
