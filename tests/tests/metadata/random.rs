//! Histories beyond the budget of the enumeration, over metadata of any shape, by chance.

use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::{Number, Value, json};

use crate::history::Numbers;
use crate::run::{Budget, Gates, Run};
use crate::setup::Setup;
use crate::table::Table;
use crate::walk::{retold, told};
use crate::world::{Holdings, LEFT_OUT, Metadata, World};

/// Histories of a run. `LINKGATE_HISTORIES` asks for another number.
const HISTORIES: u32 = 2000;

/// Histories that are played twice, with memory and without.
const REMEMBERED: usize = 400;

/// More than the enumeration has, of each.
const BUDGET: Budget = Budget { faults: 4, edits: 3, retries: 3 };

/// `LINKGATE_SEED` repeats a run.
#[test]
fn nothing_is_lost_by_chance() {
    let seed = variable("LINKGATE_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        u64::from(now.subsec_nanos()) + now.as_secs()
    });
    println!("LINKGATE_SEED={seed}");
    let cases = variable("LINKGATE_HISTORIES").map_or(HISTORIES, |number| {
        u32::try_from(number).expect("a number of histories fits 32 bits")
    });
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = (0..Setup::all().len(), holdings(), choices());
    let found = runner.run(&strategy, |(setup, holdings, choices)| {
        let world = World::new(Setup::all()[setup], &holdings);
        let (gates, mut table, mut numbers) =
            (Gates::of(&world), Table::default(), Numbers(choices.iter()));
        Run::new(&world, &gates, &mut numbers, &mut table, BUDGET)
            .history()
            .map_err(|violation| TestCaseError::fail(violation.to_string()))
    });
    match found {
        Ok(()) => {}
        Err(TestError::Fail(reason, (setup, holdings, choices))) => {
            let setup = Setup::all()[setup];
            let story = retold(&World::new(setup, &holdings), &choices, BUDGET, None);
            panic!("{reason}\nLINKGATE_SEED={seed}\nunder: {setup}\n{story}");
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// The walks run the core and the tenant once for the same inputs, and remember it. Whoever tells
/// them everything anew has the same history.
#[test]
fn memory_changes_no_history() {
    let mut runner = TestRunner::deterministic();
    let script = (0..Setup::all().len(), choices());
    let scripts: Vec<(usize, Vec<usize>)> = (0..REMEMBERED)
        .map(|_| script.new_tree(&mut runner).expect("there are choices").current())
        .collect();
    for (nth, setup) in Setup::all().into_iter().enumerate() {
        let holdings = Holdings::of(setup);
        let world = World::new(setup, &holdings);
        let gates = Gates::of(&world);
        for (_, choices) in scripts.iter().filter(|(of, _)| *of == nth) {
            let anew = World::new(setup, &holdings);
            let story = story(&anew, &Gates::of(&anew), choices);
            assert_eq!(self::story(&world, &gates, choices), story, "under: {setup}");
        }
    }
}

fn story(world: &World, gates: &Gates, choices: &[usize]) -> String {
    let (mut table, mut numbers) = (Table::default(), Numbers(choices.iter()));
    told(Run::new(world, gates, &mut numbers, &mut table, BUDGET)).0
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, found `{text}`")))
}

/// Mostly nothing unusual: then histories get far enough.
fn choices() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![3 => Just(0), 1 => 1..40_usize], 0..60)
}

fn holdings() -> impl Strategy<Value = Holdings> {
    let side = || prop::option::weighted(0.9, metadata());
    (side(), side(), side()).prop_map(|(primary, secondary, third)| Holdings {
        primary,
        secondary,
        third,
    })
}

/// Few keys, so that they collide; the ones that others edit among them.
fn metadata() -> impl Strategy<Value = Metadata> {
    let key = prop_oneof![
        4 => prop::sample::select(vec!["added", "theme", "same", "late", "nest", "list"])
            .prop_map(str::to_owned),
        1 => Just(LEFT_OUT.to_owned()),
        1 => Just("linkgate_00000000000000000000000000000000".to_owned()),
        1 => "[a-z\u{e9}\u{43a}\u{1f600} \"\\\\_-]{1,4}",
    ];
    let value = value().prop_filter("a key that is there holds something", |v| !v.is_null());
    prop::collection::btree_map(key, value, 0..6).prop_map(|map| map.into_iter().collect())
}

/// Nested, with nulls inside, and numbers that are hard to keep.
fn value() -> impl Strategy<Value = Value> {
    let number = prop::sample::select(vec![
        "0",
        "-0.0",
        "1.50",
        "1e400",
        "0.1",
        "12345678901234567890123",
        "9007199254740993",
        "-1",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(|text| text.parse::<Number>().map_or(json!(text), Value::Number)),
        prop::sample::select(vec!["", "x", "light", "ключ", "\u{0}", "😀\u{202e}"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}
