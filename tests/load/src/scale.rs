//! `scale`: what a gateway costs when there is a thousand of everything, and what it holds after a million requests.
//!
//! ```text
//!  instances  1 ▸ 2 ▸ … cores                                requests a second
//!  many       1 ▸ 10 ▸ 100 ▸ 1000 issuers, keys, origins, …  processor time a request, memory
//!  latency    1 ▸ 8 ▸ 64 connections                         p50, p99, p99.9
//!  memory     1 % ▸ 10 % ▸ 50 % ▸ 100 % of the requests      resident, and how many tokens are remembered
//! ```
//!
//! Each answer's status is checked. No figure is: what a machine of this size makes of them is for a person to read.

mod arguments;
mod gate;
mod instances;
mod latency;
mod many;
mod memory;
mod plot;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cores::Cores;
use crate::issuer::Issuer;
use crate::page::Page;
use crate::scratch::Scratch;
use crate::{Attempt, machine, responder};
use gate::Stage;

pub(crate) use arguments::ScaleArguments;

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) linkgate: PathBuf,
    /// The evaluator edition, if not the one beside the binary.
    pub(crate) component: Option<PathBuf>,
    /// Of each thing, at most.
    pub(crate) most: usize,
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// Requests of a row in a round.
    pub(crate) requests: usize,
    /// Longest time for them.
    pub(crate) length: Duration,
    /// Requests of the gateway whose memory is measured, and how many tokens they have in turn.
    pub(crate) many_requests: usize,
    pub(crate) tokens: usize,
    /// Longest time for those.
    pub(crate) memory_length: Duration,
    /// The folder of the page that gets the tables.
    pub(crate) docs: Option<PathBuf>,
}

/// Where a run is shown.
const PAGE: Page = Page {
    command: "cargo xtask load scale --docs docs",
    plot: "scale.svg",
    shows: "processor time a request and memory, by how many there are",
};

/// Requests before a row is measured, so that connections are there and the code is warm.
const WARM_UP: usize = 300;

/// Clients of the rows that have no number of their own.
const CONNECTIONS: usize = 64;

/// Runs it and gives its tables.
pub(crate) async fn scale(settings: Scale) -> Attempt<String> {
    let machine = machine::line();
    let issuer = Arc::new(Issuer::new()?);
    let upstream = responder::respond().await?;
    let scratch = Scratch::new()?;
    let mut stage = Stage { settings, scratch, issuer, upstream, cores: Cores::Shared };
    progress("instances");
    let instances = instances::measure(&stage).await?;
    // From here on the gateway has a core of its own, if there is another one for its clients.
    stage.cores = Cores::chosen();
    let many = many::measure(&stage).await?;
    progress("latency");
    let latency = latency::measure(&stage).await?;
    progress("memory");
    let memory = memory::measure(&stage).await?;
    let legend = legend(&stage, &machine);
    let parts = [many::table(&many), memory, latency::table(&latency), instances, legend];
    let text = parts.join("\n");
    if let Some(folder) = &stage.settings.docs {
        PAGE.write(folder, &text, &plot::svg(&many))?;
    }
    Ok(text)
}

fn legend(stage: &Stage, machine: &str) -> String {
    let settings = &stage.settings;
    format!(
        "CPU us    user and system time of the gateway's process a request: median of {} rounds, and the least and the most\n\
         passed    of `issuers`, `keys`, `audiences` and `origins`: an unlink of the last one's token or page, forwarded; of\n          \
         `pass prefixes`: a request below the last one\n\
         refused   the same token on another's account, 403; of `pass prefixes`: a path below none, 404\n\
         start     processor seconds until the gateway listened, the component's compilation included\n\
         machine   {machine}\n\
         method    {}; {CONNECTIONS} clients and {} requests a row and round, or {:.0} s, after {WARM_UP}; in `instances`\n          \
         the gateway, its clients and the upstream share all cores; decisions go to /dev/null\n",
        settings.rounds,
        stage.cores.text(),
        settings.requests,
        settings.length.as_secs_f64(),
    )
}

/// Each part takes more than a second: a person at a terminal sees which it is.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("{what}");
    }
}
