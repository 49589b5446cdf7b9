//! `cargo xtask components`: the shipped artifacts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER;

use crate::component::{self, Surface};
use crate::edition::{Arithmetic, COMPANIONS, EDITIONS, Edition, Form};
use crate::exit::Failure;
use crate::guest;
use crate::label;
use crate::machine::{self, Folder};
use crate::progress::Progress;
use crate::table;
use crate::workspace::Workspace;

/// Builds the components and prints what each is.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<(), Failure> {
    guest::add_target(progress)?;
    let machine = machine::folders(workspace)?;
    let (mut rows, mut reached) = (vec![heading()], String::new());
    for edition in &EDITIONS {
        let mut imports = Vec::new();
        for arithmetic in edition.builds {
            let (row, found) = ship(workspace, edition, *arithmetic, &machine, progress)?;
            rows.push(row);
            imports = found;
        }
        for name in imports {
            let _ = writeln!(reached, "{} imports {name}", edition.package);
        }
    }
    print!("{}\n{reached}", table::aligned(&rows));
    Ok(())
}

/// Builds the components that suites and examples run beside the editions.
pub(crate) fn companions(workspace: &Workspace, progress: &Progress) -> Result<(), Failure> {
    guest::add_target(progress)?;
    let machine = machine::folders(workspace)?;
    COMPANIONS.iter().try_for_each(|companion| {
        companion.builds.iter().try_for_each(|arithmetic| {
            ship(workspace, companion, *arithmetic, &machine, progress).map(|_| ())
        })
    })
}

/// Builds one artifact, checks it, and puts it in its place. Gives its row, and what it imports.
fn ship(
    workspace: &Workspace,
    edition: &Edition,
    arithmetic: Arithmetic,
    machine: &[Folder],
    progress: &Progress,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let module = guest::build(workspace, edition, arithmetic, machine, progress)?;
    let module = fs::read(&module).map_err(|error| unusable(&module, "read", &error))?;
    let mut bytes = match edition.form {
        Form::Module => module,
        Form::Component => {
            progress.step("make it a component");
            component::encode(&module, &component::answers(&workspace.root.join(ADAPTER))?)?
        }
        Form::StockComponent => {
            progress.step("make it a component");
            component::encode(&module, WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER)?
        }
    };
    label::append(&mut bytes, edition, arithmetic);
    let surface = match edition.form {
        Form::Module => Surface::of_module(&bytes)?,
        Form::Component | Form::StockComponent => Surface::of(&bytes)?,
    };
    surface.reaches_only(edition.may_import)?;
    if let Some(folder) = machine::shown(machine, &bytes) {
        let what = format!("the component shows `{}` of this machine", folder.display());
        return Err(Failure::new(what, "rename it in `xtask/src/machine.rs`"));
    }
    let file = format!("{}{}.wasm", edition.package, arithmetic.suffix());
    let file = workspace.components().join(file);
    replace(&file, &bytes)?;
    Ok((row(&file, &bytes, &surface), surface.imports))
}

/// What answers the WASI calls that std leaves in a guest. The editions that reach a host do so by
/// interfaces that they name, not through std.
const ADAPTER: &str = "component/evaluator/src/wasi.wat";

fn heading() -> Vec<String> {
    ["file", "bytes", "imports", "exports", "sha-256"].map(str::to_owned).to_vec()
}

fn row(file: &Path, bytes: &[u8], surface: &Surface) -> Vec<String> {
    let digest = Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let imports = surface.imports.len().to_string();
    // A module exports one function for each thing that can happen: too many for a cell.
    let exports = match surface.exports.as_slice() {
        [only] => only.clone(),
        several => format!("{} functions", several.len()),
    };
    vec![file.display().to_string(), bytes.len().to_string(), imports, exports, digest]
}

/// Writes a file whole or not at all. One that holds these bytes already gets today's date alone: a benchmark asks whether
/// it is older than its sources.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if fs::read(file).is_ok_and(|standing| standing == bytes) {
        let opened = fs::File::options().write(true).open(file);
        let dated = opened.and_then(|file| file.set_modified(SystemTime::now()));
        return dated.map_err(|error| unusable(file, "dated", &error));
    }
    let partial = file.with_extension("wasm.partial");
    let written = file
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&partial, bytes))
        .and_then(|()| fs::rename(&partial, file));
    written.map_err(|error| unusable(file, "written", &error))
}

fn unusable(file: &Path, verb: &str, error: &std::io::Error) -> Failure {
    let what = format!("`{}` cannot be {verb}: {error}", file.display());
    Failure::new(what, "check the folder's permissions and the space on its disk")
}
