//! Plans, key by key.

use proptest::prelude::*;
use serde_json::json;

use super::entry::{applied, reserved_key};
use super::plan::{Conflicts, Fate, MergeRules, Ours, Unplannable, plan};
use super::value::{MAX_DEPTH, Members, Value, depth};
use crate::json::{self, Number};

const SECONDARY: &str = "google-oauth2|1";

fn rules(conflicts: Conflicts) -> MergeRules {
    MergeRules {
        include: None,
        exclude: ["secret".to_owned()].into(),
        conflicts,
        deep: false,
        unite_lists: false,
        max_bytes: 8192,
    }
}

fn members(value: &serde_json::Value) -> Members {
    json::parse(value.to_string().as_bytes()).unwrap().as_object().unwrap().clone()
}

fn text(members: Members) -> serde_json::Value {
    serde_json::from_str(&Value::Object(members).to_json()).unwrap()
}

/// The primary after the write before the link, and after what is applied once it is confirmed.
fn merged(
    primary: &serde_json::Value,
    secondary: &serde_json::Value,
    rules: &MergeRules,
) -> Result<(serde_json::Value, serde_json::Value, Vec<Fate>), Unplannable> {
    let (primary, reserved) = (members(primary), reserved_key(SECONDARY));
    let plan = plan(&members(secondary), &primary, &reserved, &Ours::default(), rules)?;
    let mut before = primary;
    patch(&mut before, plan.writes(&reserved));
    let mut after = before.clone();
    patch(&mut after, applied(&before, &reserved, rules).unwrap_or_default());
    let fates = plan.rows.iter().map(|row| row.fate).collect();
    Ok((text(before), text(after), fates))
}

/// What the API does with a write: first level only, null deletes.
fn patch(members: &mut Members, writes: Members) {
    for (key, value) in writes {
        if value.is_null() {
            members.remove(&key);
        } else {
            members.insert(key, value);
        }
    }
}

#[test]
fn each_key_has_a_fate() {
    let reserved = reserved_key(SECONDARY);
    for (row, conflicts, primary, secondary, before, after, fate) in [
        (
            "absent",
            Conflicts::Primary,
            json!({}),
            json!({"a":1}),
            json!({"a":1}),
            json!({"a":1}),
            Fate::Added,
        ),
        (
            "equal",
            Conflicts::Primary,
            json!({"a":1}),
            json!({"a":1}),
            json!({"a":1}),
            json!({"a":1}),
            Fate::Same,
        ),
        (
            "primary wins",
            Conflicts::Primary,
            json!({"a":1}),
            json!({"a":2}),
            json!({"a":1}),
            json!({"a":1}),
            Fate::Dropped,
        ),
        (
            "null",
            Conflicts::Primary,
            json!({}),
            json!({"a":null}),
            json!({}),
            json!({}),
            Fate::Null,
        ),
        (
            "excluded",
            Conflicts::Primary,
            json!({}),
            json!({"secret":1}),
            json!({}),
            json!({}),
            Fate::LeftOut,
        ),
        (
            "objects are values",
            Conflicts::Primary,
            json!({"a":{"x":1}}),
            json!({"a":{"y":2}}),
            json!({"a":{"x":1}}),
            json!({"a":{"x":1}}),
            Fate::Dropped,
        ),
    ] {
        let found = merged(&primary, &secondary, &rules(conflicts)).unwrap();
        assert_eq!(found, (before, after, vec![fate]), "{row}");
    }
    let (before, after, fates) =
        merged(&json!({"a":1,"b":1}), &json!({"a":2}), &rules(Conflicts::Secondary)).unwrap();
    assert_eq!(before["a"], json!(1), "nothing is overwritten before the link");
    assert_eq!(before[&reserved]["staged"], json!({"a":2}));
    assert_eq!((after, fates), (json!({"a":2,"b":1}), vec![Fate::Staged]));

    let (before, after, fates) =
        merged(&json!({"a":1}), &json!({"a":2}), &rules(Conflicts::KeepBoth)).unwrap();
    assert_eq!(
        (before.clone(), fates),
        (json!({"a":1,&*reserved:{"kept":{"a":2}}}), vec![Fate::Kept])
    );
    assert_eq!(before, after, "it stays there for good");

    let refused = merged(&json!({"a":1}), &json!({"a":2}), &rules(Conflicts::Refuse));
    assert_eq!(refused, Err(Unplannable::Conflict("a".to_owned())));
    let reserved_of_another = json!({"linkgate_0":{"kept":{}}});
    let (before, ..) =
        merged(&json!({}), &reserved_of_another, &rules(Conflicts::Primary)).unwrap();
    assert_eq!(before[&reserved]["carried"], reserved_of_another);
}

#[test]
fn deep_and_union_merge_what_does_not_conflict() {
    let deep = |conflicts| MergeRules { deep: true, unite_lists: true, ..rules(conflicts) };
    let primary = json!({"a":{"x":1,"n":{"p":1}},"tags":["p"]});
    let secondary = json!({"a":{"x":2,"y":2,"n":{"q":1}},"tags":["a","p","b"]});
    let (before, after, _) = merged(&primary, &secondary, &deep(Conflicts::Primary)).unwrap();
    assert_eq!((&before["a"], &before["tags"]), (&primary["a"], &primary["tags"]));
    assert_eq!(after, json!({"a":{"x":1,"y":2,"n":{"p":1,"q":1}},"tags":["p","a","b"]}));
    let (_, after, _) = merged(&primary, &secondary, &deep(Conflicts::Secondary)).unwrap();
    assert_eq!(after["a"], json!({"x":2,"y":2,"n":{"p":1,"q":1}}));
    let (_, after, _) = merged(&primary, &secondary, &deep(Conflicts::KeepBoth)).unwrap();
    let reserved = reserved_key(SECONDARY);
    assert_eq!(after["a"], json!({"x":1,"y":2,"n":{"p":1,"q":1}}));
    assert_eq!(after[&reserved], json!({"kept":{"a":secondary["a"]}}));
    let refused = merged(&primary, &secondary, &deep(Conflicts::Refuse));
    assert_eq!(refused, Err(Unplannable::Conflict("a".to_owned())));
}

#[test]
fn what_cannot_be_written_is_found_before() {
    let small = MergeRules { max_bytes: 300, ..rules(Conflicts::Primary) };
    let long = "x".repeat(300);
    assert_eq!(
        merged(&json!({}), &json!({"a":long}), &small),
        Err(Unplannable::TooLarge { bytes: 308, max_bytes: 300 })
    );
    // What is there already is nobody's fault here.
    assert!(merged(&json!({"b":long}), &json!({}), &small).is_ok());
    for key in ["a.b", "$a"] {
        assert_eq!(
            merged(&json!({}), &json!({key:1}), &small),
            Err(Unplannable::ForbiddenName(key.to_owned()))
        );
    }
}

/// `depth` lists inside each other.
fn nested(depth: usize) -> serde_json::Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

/// What is written has to be readable again, entries with copies included.
#[test]
fn nothing_is_written_that_cannot_be_read() {
    let keep = rules(Conflicts::KeepBoth);
    let deep = |depth| json!({"a": nested(depth)});
    assert_eq!(depth(&members(&deep(MAX_DEPTH - 1))), MAX_DEPTH);
    assert!(merged(&json!({}), &deep(MAX_DEPTH - 1), &keep).is_ok());
    // The primary's is there already, and nothing is written.
    assert!(merged(&deep(MAX_DEPTH - 1), &json!({}), &keep).is_ok());
    // Inside an entry it is two levels further down.
    for (levels, expected) in [(MAX_DEPTH - 3, None), (MAX_DEPTH - 2, Some(Unplannable::TooDeep))] {
        assert_eq!(merged(&json!({"a": 1}), &deep(levels), &keep).err(), expected, "{levels}");
    }
}

#[test]
fn lists_are_united_in_the_order_they_have() {
    let union = MergeRules { unite_lists: true, ..rules(Conflicts::Secondary) };
    for (row, primary, secondary, expected) in [
        ("new ones at the end", json!([1, 2]), json!([3, 2, 0]), json!([1, 2, 3, 0])),
        ("each new one once", json!([1]), json!([2, 2]), json!([1, 2])),
        ("the primary's stay as they are", json!([1, 1]), json!([2, 1]), json!([1, 1, 2])),
        ("texts and numbers differ", json!([1]), json!(["1", 1.0]), json!([1, "1", 1.0])),
        (
            "objects by their members",
            json!([{"a":1,"b":2}]),
            json!([{"b":2,"a":1}]),
            json!([{"a":1,"b":2}]),
        ),
    ] {
        let (_, after, _) =
            merged(&json!({"a": primary}), &json!({"a": secondary}), &union).unwrap();
        assert_eq!(after["a"], expected, "{row}");
    }
}

/// A list that could never be staged is not compared item by item, and comparing takes n log n.
#[test]
fn a_long_list_costs_little() {
    let small = MergeRules { unite_lists: true, deep: true, ..rules(Conflicts::Secondary) };
    let list = |from: u32, count: u32| json!((from..from + count).collect::<Vec<_>>());
    let too_large = |value: &serde_json::Value| {
        Err(Unplannable::TooLarge { bytes: value.to_string().len(), max_bytes: 8192 })
    };
    let many = list(0, 10_000);
    assert_eq!(merged(&json!({"a": [1]}), &json!({"a": many}), &small), too_large(&many));
    let inside = json!({"x": many});
    assert_eq!(
        merged(&json!({"a": {"x": [1]}}), &json!({"a": inside}), &small),
        too_large(&inside)
    );
    // What is not united is not staged either.
    assert!(merged(&json!({"a": 1}), &json!({"a": many}), &rules(Conflicts::Primary)).is_ok());
    let large = MergeRules { max_bytes: 8 << 20, ..small };
    let (primary, secondary) =
        (json!({"a": list(0, 100_000)}), json!({"a": list(50_000, 100_000)}));
    let (_, after, _) = merged(&primary, &secondary, &large).unwrap();
    assert_eq!(after["a"], list(0, 150_000));
}

#[test]
fn an_entry_of_before_is_kept_inside() {
    let reserved = reserved_key(SECONDARY);
    let primary = json!({"a":1,&*reserved:{"kept":{"a":9}}});
    let (before, after, _) =
        merged(&primary, &json!({"a":2}), &rules(Conflicts::KeepBoth)).unwrap();
    assert_eq!(before[&reserved], json!({"kept":{"a":2},"earlier":{"kept":{"a":9}}}));
    assert_eq!(before, after);
    // The same again changes nothing.
    let (again, ..) = merged(&before, &json!({"a":2}), &rules(Conflicts::KeepBoth)).unwrap();
    assert_eq!(again, before);
}

#[test]
fn what_is_staged_waits_for_the_value_it_was_staged_against() {
    let (rules, reserved) = (rules(Conflicts::Secondary), reserved_key(SECONDARY));
    let (before, ..) = merged(&json!({"a":1,"b":1}), &json!({"a":2,"b":2}), &rules).unwrap();
    let mut edited = members(&before);
    edited.insert("a".to_owned(), Value::Number(Number::of("7")));
    let writes = applied(&edited, &reserved, &rules).unwrap();
    patch(&mut edited, writes);
    let found = text(edited);
    assert_eq!((&found["a"], &found["b"]), (&json!(7), &json!(2)));
    assert_eq!(found[&reserved]["staged"], json!({"a":2}));
}

/// Small values that collide often.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        (0..3_i32).prop_map(|n| json!(n)),
        "[ab]{0,2}".prop_map(|t| json!(t)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::Array),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn object() -> impl Strategy<Value = serde_json::Value> {
    prop::collection::btree_map("[a-d]|secret|linkgate_0", value(), 0..5).prop_map(|mut map| {
        map.retain(|_, value| !value.is_null());
        json!(map)
    })
}

fn any_rules() -> impl Strategy<Value = MergeRules> {
    let conflicts = prop_oneof![
        Just(Conflicts::Primary),
        Just(Conflicts::Secondary),
        Just(Conflicts::KeepBoth),
        Just(Conflicts::Refuse),
    ];
    (conflicts, any::<bool>(), any::<bool>()).prop_map(|(conflicts, deep, unite_lists)| {
        MergeRules { deep, unite_lists, ..rules(conflicts) }
    })
}

proptest! {
    #[test]
    fn before_the_link_the_primary_only_gains(primary in object(), secondary in object(), rules in any_rules()) {
        let Ok((before, ..)) = merged(&primary, &secondary, &rules) else { return Ok(()) };
        for (key, value) in primary.as_object().unwrap() {
            prop_assert_eq!(before.get(key), Some(value), "{} of the primary", key);
        }
    }

    #[test]
    fn a_merge_is_idempotent(primary in object(), secondary in object(), rules in any_rules()) {
        let Ok((before, after, _)) = merged(&primary, &secondary, &rules) else { return Ok(()) };
        // A client that sends again before the link.
        let (again, after_again, _) = merged(&before, &secondary, &rules).unwrap();
        prop_assert_eq!(&again, &before);
        prop_assert_eq!(&after_again, &after);
    }

    #[test]
    fn every_carried_value_is_reachable(primary in object(), secondary in object(), rules in any_rules()) {
        let Ok((before, _, fates)) = merged(&primary, &secondary, &rules) else { return Ok(()) };
        let entry = before.get(reserved_key(SECONDARY)).cloned().unwrap_or_default();
        for ((key, value), fate) in secondary.as_object().unwrap().iter().zip(fates) {
            let there = match fate {
                Fate::Added | Fate::Same => before.get(key) == Some(value),
                Fate::Staged => entry["staged"].get(key) == Some(value),
                Fate::Kept => entry["kept"].get(key) == Some(value),
                Fate::Carried => entry["carried"].get(key) == Some(value),
                Fate::Dropped => matches!(rules.conflicts, Conflicts::Primary)
                    || rules.deep || rules.unite_lists,
                Fate::LeftOut => key == "secret",
                Fate::Null => value.is_null(),
            };
            prop_assert!(there, "{key} is {fate:?}: {before}");
        }
    }
}
