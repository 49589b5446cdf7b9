//! A suite on disk: cases, the policies they run under, what they share, and keys.
//!
//! ```text
//!  suite/
//!    cases/shared.yaml           clock, names, tokens, requests that cases build on
//!    cases/<area>/…/<name>.yaml  one behaviour each
//!    configs/<name>.yaml         policy documents
//!    keys/<name>.pem, .secret    throw-away keys
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::form::{Case, RequestForm, SentForm, TokenForm, UpstreamForm};
use crate::keys::Keys;
use crate::short::each_short_or_full;
use crate::trouble::Trouble;

/// A loaded suite.
pub struct Suite {
    /// What the cases share.
    pub shared: Shared,
    pub(crate) keys: Keys,
    configs: BTreeMap<String, Value>,
    /// The cases, in the order of their names.
    pub cases: Vec<NamedCase>,
}

/// A case and its place.
#[derive(Clone, Debug)]
pub struct NamedCase {
    /// `area/name`, or `area/folder/name`.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// The case.
    pub case: Case,
}

/// What the cases of a suite share.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// The wall clock, in Unix seconds.
    pub clock: u64,
    /// Text by name.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Secrets of the host: their names in policy documents, and the keys that they are.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Tokens by name.
    #[serde(default, deserialize_with = "each_short_or_full")]
    pub tokens: BTreeMap<String, TokenForm>,
    /// Requests by name.
    #[serde(default)]
    pub requests: BTreeMap<String, RequestForm>,
    /// Upstream requests by name.
    #[serde(default)]
    pub upstream_requests: BTreeMap<String, SentForm>,
    /// What the upstream does when a case does not say.
    #[serde(default)]
    pub upstream: UpstreamForm,
}

/// Longest chain of `like`: more is a circle.
const MAX_CHAIN: usize = 8;

impl Suite {
    /// Loads a suite.
    ///
    /// # Errors
    /// A file cannot be read, or is not what the format says.
    pub fn load(dir: &Path) -> Result<Self, Trouble> {
        let keys = Keys::load(&dir.join("keys"))?;
        let shared = yaml(&dir.join("cases/shared.yaml"))?;
        let mut configs = BTreeMap::new();
        for (name, file) in yaml_files(&dir.join("configs"))? {
            let mut document: Value = yaml(&file)?;
            keys.fill_in(&mut document).map_err(|trouble| trouble.at(file.display()))?;
            configs.insert(name, document);
        }
        Ok(Self { shared, keys, configs, cases: cases(&dir.join("cases"))? })
    }

    /// A suite that lies in no folder: what its cases share, keys, and one policy.
    #[must_use]
    pub fn of_policy(shared: Shared, keys: Keys, policy: &str, document: Value) -> Self {
        let configs = BTreeMap::from([(policy.to_owned(), document)]);
        Self { shared, keys, configs, cases: Vec::new() }
    }

    /// The names of the suite's policies.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        self.configs.keys().map(String::as_str)
    }

    /// Reads one case from text, as if it stood in this suite.
    ///
    /// # Errors
    /// The text is not a case.
    pub fn read_case(text: &str) -> Result<Case, Trouble> {
        serde_saphyr::from_str(text).map_err(|error| Trouble::new(error.to_string()))
    }

    /// A policy document of the suite, as JSON.
    pub(crate) fn document(&self, name: &str) -> Result<String, Trouble> {
        self.configs
            .get(name)
            .map(Value::to_string)
            .ok_or_else(|| Trouble::new(format!("no policy `{name}` in configs/")))
    }

    /// A secret of the host's.
    ///
    /// # Errors
    /// There is no such secret.
    pub fn secret(&self, name: &str) -> Result<String, Trouble> {
        let key = self.shared.secrets.get(name);
        let key = key.ok_or_else(|| Trouble::new(format!("no secret `{name}` in shared.yaml")))?;
        self.keys.secret(key)
    }

    /// The host's secrets.
    pub(crate) fn secrets(&self) -> Result<Vec<(String, String)>, Trouble> {
        self.shared
            .secrets
            .iter()
            .map(|(name, key)| Ok((name.clone(), self.keys.secret(key)?)))
            .collect()
    }

    /// A request with everything that it is `like` filled in.
    ///
    /// # Errors
    /// It is like one that is not there, or like itself.
    pub fn flat_request(&self, form: &RequestForm) -> Result<RequestForm, Trouble> {
        let mut flat = form.clone();
        for _ in 0..MAX_CHAIN {
            let Some(name) = flat.like.take() else { return Ok(flat) };
            let base = self
                .shared
                .requests
                .get(&name)
                .ok_or_else(|| {
                    Trouble::unknown("shared request", &name, self.shared.requests.keys())
                })?
                .clone();
            flat = RequestForm {
                like: base.like,
                method: flat.method.or(base.method),
                target: flat.target.or(base.target),
                headers: flat.headers.or(base.headers),
                drop: [base.drop, flat.drop].concat(),
                add: [base.add, flat.add].concat(),
                body: flat.body.or(base.body),
                body_breaks_off: flat.body_breaks_off || base.body_breaks_off,
            };
        }
        Err(Trouble::new("`like` goes in circles"))
    }
}

/// The cases of all areas. What is wrong with any of them is reported in one go.
fn cases(dir: &Path) -> Result<Vec<NamedCase>, Trouble> {
    let (mut cases, mut troubles) = (Vec::new(), Vec::new());
    let areas = directories(dir)?.iter().map(|area| below(area)).collect::<Result<Vec<_>, _>>()?;
    for (name, file) in areas.into_iter().flatten() {
        match yaml(&file) {
            Ok(case) => cases.push(NamedCase { name, file, case }),
            Err(trouble) => troubles.push(trouble.to_string()),
        }
    }
    if troubles.is_empty() { Ok(cases) } else { Err(Trouble::new(troubles.join("\n"))) }
}

/// The YAML files of a folder and of the folders in it, each with its path from there on: `metadata/link/link-400`.
fn below(folder: &Path) -> Result<Vec<(String, PathBuf)>, Trouble> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            files.extend(below(&path)?);
        } else {
            files.push(yaml_file(path)?);
        }
    }
    let own = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(files.into_iter().map(|(name, file)| (format!("{own}/{name}"), file)).collect())
}

fn yaml<T: DeserializeOwned>(file: &Path) -> Result<T, Trouble> {
    let text = fs::read_to_string(file)
        .map_err(|error| Trouble::new(error.to_string()).at(file.display()))?;
    serde_saphyr::from_str(&text)
        .map_err(|error| Trouble::new(error.to_string()).at(file.display()))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let unreadable = |error: std::io::Error| Trouble::new(error.to_string()).at(dir.display());
    let mut paths = fs::read_dir(dir)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn directories(dir: &Path) -> Result<Vec<PathBuf>, Trouble> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// The YAML files of a directory with their names.
fn yaml_files(dir: &Path) -> Result<Vec<(String, PathBuf)>, Trouble> {
    entries(dir)?.into_iter().map(yaml_file).collect()
}

/// A YAML file with its name. Any other file is a mistake.
fn yaml_file(path: PathBuf) -> Result<(String, PathBuf), Trouble> {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    match (path.extension().and_then(|extension| extension.to_str()), name) {
        (Some("yaml"), Some(name)) => Ok((name.to_owned(), path)),
        _ => Err(Trouble::new("expected a file named `….yaml`").at(path.display())),
    }
}
