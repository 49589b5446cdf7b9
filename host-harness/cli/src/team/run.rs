//! Cases, gathered from their files and played on the component.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linkgate_cases::{
    Departed, Difference, Evaluator, ExpectedCall, ExpectedSent, Observed, Scene, Trouble, compare,
    run,
};
use linkgate_policy::LogLine;

use super::bench::{self, Timed};
use super::files::{self, Candidate};
use super::fixture::{Fixture, Policy, Unusable};
use super::parallel::each;
use super::read::{self, CaseFile, Read, TeamCase};
use crate::check_report::Checked;
use crate::progress::Progress;

/// The files of cases that were found, and their policies.
pub(crate) struct Gathered {
    pub(crate) files: Vec<CaseFile>,
    pub(crate) policies: Vec<Policy>,
    /// Of each file, which policy it is about.
    pub(crate) about: Vec<usize>,
    /// Policies that were met in folders: those that no file is about have no case.
    met: Vec<PathBuf>,
    /// What was wrong with others.
    mistakes: Mistakes,
}

/// What is wrong with policies and with files of cases.
#[derive(Default)]
pub(crate) struct Mistakes {
    pub(crate) checked: Vec<Checked>,
    /// Of files that cannot be read, why.
    pub(crate) unread: Vec<String>,
}

/// Why nothing is played.
pub(crate) enum Stop {
    /// In words.
    Said(String),
    /// Mistakes, in files of cases or in policies.
    Mistaken(Mistakes),
    /// This machine cannot.
    Cannot(Trouble),
}

/// What was played, and what came of it.
pub(crate) struct Ran {
    pub(crate) gathered: Gathered,
    /// In the order of the files and of the cases in them.
    pub(crate) outcomes: Vec<Outcome>,
    /// How many cases a filter left out.
    pub(crate) left_out: usize,
}

/// What came of a case.
pub(crate) struct Outcome {
    pub(crate) file: usize,
    pub(crate) case: TeamCase,
    pub(crate) verdict: Verdict,
    pub(crate) took: Duration,
}

/// How a case ended.
pub(crate) enum Verdict {
    /// It was played; it holds where nothing differs.
    Played(Box<Played>),
    /// The component gave no answer.
    Broken(Trouble),
}

/// A case that was played.
pub(crate) struct Played {
    pub(crate) record: LogLine,
    pub(crate) differences: Vec<Difference>,
    /// What the client sent and the upstream got, for the account of what was tried.
    pub(crate) scene: Scene,
}

impl Outcome {
    pub(crate) fn holds(&self) -> bool {
        matches!(&self.verdict, Verdict::Played(played) if played.differences.is_empty())
    }
}

/// Reads every file of cases below these paths, and the policies that they are about.
pub(crate) fn gather(paths: &[PathBuf]) -> Result<Gathered, Stop> {
    let mut gathered = Gathered {
        files: Vec::new(),
        policies: Vec::new(),
        about: Vec::new(),
        met: Vec::new(),
        mistakes: Mistakes::default(),
    };
    for Candidate { path, met } in files::find(paths).map_err(Stop::Said)? {
        match read::read(&path, met) {
            Ok(Some(file)) => gathered.files.push(file),
            Ok(None) => gathered.met.push(path),
            Err(Read::Unreadable(why)) => gathered.mistakes.unread.push(why),
            Err(Read::Mistaken(checked)) => gathered.mistakes.checked.push(*checked),
        }
    }
    gathered.open_policies()?;
    Ok(gathered)
}

/// In the place of a policy that cannot be used.
const NO_POLICY: usize = usize::MAX;

impl Gathered {
    /// Opens the policy of each file, each once: a policy that several name in several ways is one.
    fn open_policies(&mut self) -> Result<(), Stop> {
        let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for index in 0..self.files.len() {
            let Some(file) = self.files.get_mut(index) else { continue };
            let path = files::same(&file.policy);
            let number = match known.get(&path) {
                Some(number) => *number,
                None => match Policy::open(&lexical(&file.policy)) {
                    Ok(policy) => {
                        self.policies.push(policy);
                        self.policies.len() - 1
                    }
                    Err(Unusable::Unreadable(why)) => {
                        let mistake = file.document.mistake("/policy", false, why, None);
                        file.flaws.push(mistake);
                        NO_POLICY
                    }
                    Err(Unusable::Mistaken(checked)) => {
                        self.mistakes.checked.push(*checked);
                        NO_POLICY
                    }
                    Err(Unusable::Keys(trouble)) => return Err(Stop::Cannot(trouble)),
                },
            };
            known.insert(path, number);
            self.about.push(number);
        }
        let met = std::mem::take(&mut self.met);
        for path in met.iter().filter(|path| !known.contains_key(&files::same(path))) {
            match Policy::open(path) {
                Ok(policy) => self.policies.push(policy),
                Err(Unusable::Unreadable(why)) => self.mistakes.unread.push(why),
                Err(Unusable::Mistaken(checked)) => self.mistakes.checked.push(*checked),
                Err(Unusable::Keys(trouble)) => return Err(Stop::Cannot(trouble)),
            }
        }
        Ok(())
    }

    /// Itself, if nothing was found wrong.
    fn stop_at_mistakes(mut self) -> Result<Self, Stop> {
        for file in self.files.extract_if(.., |file| !file.flaws.is_empty()) {
            let checked =
                Checked { document: file.document, findings: file.flaws, accepted: Vec::new() };
            self.mistakes.checked.push(checked);
        }
        let Mistakes { checked, unread } = &mut self.mistakes;
        if checked.is_empty() && unread.is_empty() {
            return Ok(self);
        }
        checked.sort_by(|a, b| a.document.name().cmp(b.document.name()));
        Err(Stop::Mistaken(self.mistakes))
    }

    pub(crate) fn policy_of(&self, file: usize) -> Option<&Policy> {
        self.about.get(file).and_then(|number| self.policies.get(*number))
    }

    /// The cases whose file or title holds a text, in capitals or not, each with the number of its file.
    fn chosen(&self, filter: &str) -> Vec<(usize, TeamCase)> {
        let filter = filter.to_lowercase();
        let mut chosen = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            for case in &file.cases {
                let name = format!("{}: {}", file.document.name(), case.case.title);
                if name.to_lowercase().contains(&filter) {
                    chosen.push((index, case.clone()));
                }
            }
        }
        chosen
    }

    fn count(&self) -> usize {
        self.files.iter().map(|file| file.cases.len()).sum()
    }
}

/// Plays cases on a component, which is compiled once.
pub(crate) struct Player {
    component: PathBuf,
    threads: usize,
    evaluator: Option<Evaluator>,
}

impl Player {
    /// On the component in this file, on so many threads.
    pub(crate) fn new(component: PathBuf, threads: usize) -> Self {
        Self { component, threads, evaluator: None }
    }

    /// Plays the cases whose file or title holds `filter`. Mistakes in any of the files, also those that show when a case
    /// is made ready, are reported together, and nothing is played.
    pub(crate) fn play(
        &mut self,
        gathered: Gathered,
        filter: &str,
        progress: &mut Progress,
    ) -> Result<Ran, Stop> {
        let chosen = gathered.chosen(filter);
        let count = gathered.count();
        let (gathered, ready) = gathered.made_ready(chosen, self.threads, progress);
        let gathered = gathered.stop_at_mistakes()?;
        if ready.is_empty() {
            return Err(Stop::Said(match count {
                0 => "expected cases, found none".to_owned(),
                all => format!(
                    "expected a case whose file or title holds `{filter}`, found none among {all}"
                ),
            }));
        }
        let outcomes = self.played(&ready, progress)?;
        Ok(Ran { gathered, left_out: count - outcomes.len(), outcomes })
    }

    fn played(&mut self, ready: &[Ready], progress: &mut Progress) -> Result<Vec<Outcome>, Stop> {
        let evaluator = self.compiled(progress)?;
        let workers = (0..self.threads.min(ready.len())).map(|_| evaluator.another()).collect();
        self.evaluator = Some(evaluator);
        Ok(each(workers, ready, "playing", progress, |evaluator, (file, case, scene)| {
            let begun = Instant::now();
            let verdict = verdict(evaluator, case, scene);
            Outcome { file: *file, case: case.clone(), verdict, took: begun.elapsed() }
        }))
    }

    fn compiled(&mut self, progress: &mut Progress) -> Result<Evaluator, Stop> {
        if let Some(evaluator) = self.evaluator.take() {
            return Ok(evaluator);
        }
        progress.show("compiling the component");
        Evaluator::open(&self.component).map_err(Stop::Cannot)
    }

    /// Times the cases of each file, if all of them pass.
    pub(crate) fn time(
        &mut self,
        gathered: Gathered,
        rounds: usize,
        progress: &mut Progress,
    ) -> Result<Option<Vec<Timed>>, Stop> {
        let all = gathered.chosen("");
        let (gathered, ready) = gathered.made_ready(all, self.threads, progress);
        let gathered = gathered.stop_at_mistakes()?;
        if ready.is_empty() {
            return Err(Stop::Said("expected cases, found none".to_owned()));
        }
        if !self.played(&ready, progress)?.iter().all(Outcome::holds) {
            return Ok(None);
        }
        let mut evaluator = self.compiled(progress)?;
        let mut timed = Vec::new();
        for (number, file) in gathered.files.iter().enumerate() {
            let of_file = ready.iter().filter(|(file, ..)| *file == number);
            let scenes: Vec<&Scene> = of_file.map(|(.., scene)| scene).collect();
            progress.show(&format!("measuring {}", file.name()));
            let name = file.name().to_owned();
            timed.push(bench::timed(&mut evaluator, name, &scenes, rounds).map_err(Stop::Cannot)?);
        }
        Ok(Some(timed))
    }
}

/// A case as bytes, with the number of its file.
type Ready = (usize, TeamCase, Scene);

impl Gathered {
    /// The cases as bytes; what keeps one from it is noted at its place.
    fn made_ready(
        mut self,
        chosen: Vec<(usize, TeamCase)>,
        threads: usize,
        progress: &mut Progress,
    ) -> (Self, Vec<Ready>) {
        let fixtures: Vec<Option<Fixture<'_>>> = (0..self.files.len())
            .map(|file| {
                let policy = self.policy_of(file)?;
                self.files.get(file).map(|file| Fixture::of(policy, file))
            })
            .collect();
        let idle = (0..threads).map(|_| ()).collect();
        let scenes = each(idle, &chosen, "making ready", progress, |(), (file, case)| {
            let fixture = fixtures.get(*file).and_then(Option::as_ref)?;
            Some(fixture.scene(&case.case))
        });
        drop(fixtures);
        let mut ready = Vec::new();
        for ((file, case), scene) in chosen.into_iter().zip(scenes) {
            match scene {
                Some(Ok(scene)) => ready.push((file, case, scene)),
                Some(Err(trouble)) => self.note(file, &case, &trouble),
                // Its policy was reported.
                None => {}
            }
        }
        (self, ready)
    }
}

impl Gathered {
    /// Notes what keeps a case from being made ready, at its place.
    fn note(&mut self, file: usize, case: &TeamCase, trouble: &Trouble) {
        let Some(file) = self.files.get_mut(file) else { return };
        let text = trouble.to_string();
        let (part, rest) = PARTS
            .iter()
            .find_map(|(begin, part)| Some((*part, text.strip_prefix(begin)?)))
            .unwrap_or(("", &text));
        let token = rest.strip_prefix("token `").and_then(|rest| rest.split_once('`'));
        let of_token = token.and_then(|(name, _)| {
            let places = ["", "/tokens"].map(|folder| format!("{folder}/{name}"));
            let own = places.iter().map(|place| format!("{}{place}", case.pointer));
            own.chain(places.iter().cloned()).find(|at| file.document.line_of(at).is_some())
        });
        let pointer = of_token.unwrap_or_else(|| format!("{}{part}", case.pointer));
        let finding = file.document.mistake(&pointer, false, rest.to_owned(), None);
        file.flaws.push(finding);
    }
}

/// What a trouble begins with, and where in the case that is.
const PARTS: [(&str, &str); 3] = [
    ("request: ", "/request"),
    ("expect: upstream_request: ", "/expect/upstream_request"),
    ("calls: ", "/calls"),
];

fn verdict(evaluator: &mut Evaluator, case: &TeamCase, scene: &Scene) -> Verdict {
    match run(evaluator, scene) {
        Err(trouble) => Verdict::Broken(trouble),
        Ok(observed) => {
            let mut scene = scene.clone();
            complete(&mut scene, case, &observed);
            let differences = compare(&scene, &observed);
            Verdict::Played(Box::new(Played { record: observed.record, differences, scene }))
        }
    }
}

/// What a case does not say is expected to be as it was found.
fn complete(scene: &mut Scene, case: &TeamCase, observed: &Observed) {
    let (expected, record) = (&mut scene.expected, &observed.record);
    let or_found =
        |wanted: &Option<String>, found: &str| wanted.as_deref().unwrap_or(found).to_owned();
    expected.outcome = or_found(&case.wanted.outcome, record.outcome.name());
    expected.reason = or_found(&case.wanted.reason, &record.reason);
    expected.cause = or_found(&case.wanted.cause, &record.cause);
    if case.case.calls.is_empty() {
        let call = |sent: &Departed| match sent {
            Departed::Call(sent) => ExpectedCall::Call(sent.clone()),
            Departed::Request(_) | Departed::Untouched => ExpectedCall::Link,
        };
        let calls: Vec<ExpectedCall> = observed.sent.iter().map(call).collect();
        let has_calls = calls.iter().any(|call| matches!(call, ExpectedCall::Call(_)));
        expected.calls = if has_calls { calls } else { Vec::new() };
    }
    if !case.says_sent {
        let sent = observed.sent.iter().find_map(|sent| match sent {
            Departed::Call(_) => None,
            Departed::Request(sent) => Some(ExpectedSent::Request(sent.clone())),
            Departed::Untouched => Some(ExpectedSent::Untouched),
        });
        expected.upstream = sent.unwrap_or(ExpectedSent::Nothing);
    }
}

/// Without `cases/..`, so that a policy has the name that people know it by. Where a folder is a link, what it is a link
/// to is another's parent: then the path stays as it is.
fn lexical(path: &Path) -> PathBuf {
    let mut parts: Vec<std::path::Component<'_>> = Vec::new();
    for part in path.components() {
        let is_plain = matches!(parts.last(), Some(std::path::Component::Normal(_)));
        if part == std::path::Component::ParentDir && is_plain {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let short: PathBuf = parts.iter().collect();
    let same = match (path.canonicalize(), short.canonicalize()) {
        (Ok(path), Ok(short)) => path == short,
        _ => false,
    };
    if same { short } else { path.to_owned() }
}
