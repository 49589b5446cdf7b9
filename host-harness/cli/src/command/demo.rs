//! `linkgate demo`: the story in one run.

use std::path::PathBuf;

use super::{Trouble, asked_to_stop, runtime, seed};
use crate::component;
use crate::demo::{Stage, stay, story, table};
use crate::exit::Exit;

/// Tell the story: tenant, gateway and component together on free loopback ports.
///
/// Every scene is a real request. The command fails when a scene does not go as expected.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  linkgate demo\n  linkgate demo --stay")]
pub(super) struct Demo {
    /// Keep everything running afterwards, and offer curl lines and a page for a browser to try
    #[arg(long)]
    stay: bool,
    /// Evaluator component; the one that lies beside this binary unless given
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let component = component::find(self.component.as_deref(), component::EVALUATOR)
            .map_err(Trouble::usage)?;
        runtime()?.block_on(async {
            let mut stage = Stage::build(component, seed()).await.map_err(Trouble::failed)?;
            let scenes = story::scenes(&stage).await.map_err(Trouble::failed)?;
            let mut table = table::Table::begin(&stage);
            for scene in &scenes {
                let seen = stage.play(scene).await.map_err(Trouble::failed)?;
                table.row(scene, &seen);
            }
            let exit = table.end();
            if self.stay {
                stay::offer(stage, asked_to_stop()).await.map_err(Trouble::failed)?;
            }
            Ok(exit)
        })
    }
}
