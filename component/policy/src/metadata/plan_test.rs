//! Plans, key by key.

use proptest::prelude::*;
use serde_json::json;

use super::apply::{Waiting, apply};
use super::plan::{Terms, Unplannable, plan};
use super::reserved_entry::{Entry, Pair, about, digest};
use super::value::{MAX_DEPTH, depth};
use crate::audit::merge::Fate;
use crate::rules::metadata::{Conflicts, MergeRules};
use crate::text::json::{self, Json as Value, Number, Object as Members};

const PRIMARY: &str = "auth0|1";

const SECONDARY: &str = "google-oauth2|1";

const THIRD: &str = "github|3";

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

fn pair() -> Pair {
    Pair::of(PRIMARY, SECONDARY)
}

/// The primary after the write before the link, and after what is applied once it is confirmed.
fn merged(
    primary: &serde_json::Value,
    secondary: &serde_json::Value,
    rules: &MergeRules,
) -> Result<(serde_json::Value, serde_json::Value, Vec<Fate>), Unplannable> {
    let primary = members(primary);
    let plan = plan(&members(secondary), &primary, Terms { pair: &pair(), rules })?;
    let mut before = primary;
    patch(&mut before, plan.entry.clone().map(Entry::into_members).unwrap_or_default());
    let mut after = before.clone();
    settle(&mut after, plan.entry.as_ref(), rules);
    let fates = plan.rows.iter().map(|(_, fate)| *fate).collect();
    Ok((text(before), text(after), fates))
}

/// What is done to a primary that lists the secondary and the third account.
fn settle(primary: &mut Members, mine: Option<&Entry>, rules: &MergeRules) {
    let accounts = [about(SECONDARY), about(THIRD)];
    let writes = apply(primary, &Waiting { mine, accounts: &accounts, alone: false }, rules).writes;
    patch(primary, writes);
}

fn staged(account: &str, values: &serde_json::Value) -> Entry {
    Entry::staged(&about(account), members(values), Members::new())
}

/// What all entries of this part hold, whatever their keys.
fn held(account: &serde_json::Value, part: &str) -> Vec<serde_json::Value> {
    let entries =
        account.as_object().unwrap().iter().filter(|(key, _)| key.starts_with("linkgate_"));
    entries.filter_map(|(_, entry)| entry.get(part).cloned()).collect()
}

/// Without what is ours.
fn own(account: &serde_json::Value) -> serde_json::Value {
    let own = account.as_object().unwrap().iter().filter(|(key, _)| !key.starts_with("linkgate_"));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
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
    for (row, conflicts, primary, secondary, after, fate) in [
        ("absent", Conflicts::Primary, json!({}), json!({"a":1}), json!({"a":1}), Fate::Added),
        ("equal", Conflicts::Primary, json!({"a":1}), json!({"a":1}), json!({"a":1}), Fate::Same),
        (
            "a number",
            Conflicts::Refuse,
            json!({"a":1}),
            json!({"a":1.0}),
            json!({"a":1}),
            Fate::Same,
        ),
        (
            "primary wins",
            Conflicts::Primary,
            json!({"a":1}),
            json!({"a":2}),
            json!({"a":1}),
            Fate::Dropped,
        ),
        (
            "secondary wins",
            Conflicts::Secondary,
            json!({"a":1}),
            json!({"a":2}),
            json!({"a":2}),
            Fate::Staged,
        ),
        ("both", Conflicts::KeepBoth, json!({"a":1}), json!({"a":2}), json!({"a":1}), Fate::Kept),
        ("null", Conflicts::Primary, json!({}), json!({"a":null}), json!({}), Fate::Null),
        ("excluded", Conflicts::Primary, json!({}), json!({"secret":1}), json!({}), Fate::LeftOut),
        (
            "objects are values",
            Conflicts::Primary,
            json!({"a":{"x":1}}),
            json!({"a":{"y":2}}),
            json!({"a":{"x":1}}),
            Fate::Dropped,
        ),
    ] {
        let (before, settled, fates) = merged(&primary, &secondary, &rules(conflicts)).unwrap();
        assert_eq!(own(&before), primary, "{row}: no key of a person's own is touched");
        assert_eq!((own(&settled), fates), (after, vec![fate]), "{row}");
        let kept = if fate == Fate::Kept { vec![secondary] } else { vec![] };
        assert_eq!(held(&settled, "kept"), kept, "{row}");
        assert!(held(&settled, "staged").is_empty(), "{row}: the write that applies it removes it");
    }
    let refused = merged(&json!({"a":1}), &json!({"a":2}), &rules(Conflicts::Refuse));
    assert_eq!(refused, Err(Unplannable::Conflict("a".to_owned())));
}

#[test]
fn reserved_keys_of_the_secondary_go_along() {
    let reserved = json!({"linkgate_0":{"kept":{}}});
    let (before, after, fates) = merged(&json!({}), &reserved, &rules(Conflicts::Primary)).unwrap();
    assert_eq!((held(&before, "staged"), fates), (vec![reserved.clone()], vec![Fate::Carried]));
    assert_eq!(after, reserved, "they are not read");
    let listed = MergeRules { include: Some(["a".to_owned()].into()), ..rules(Conflicts::Primary) };
    let (_, after, fates) = merged(&json!({}), &reserved, &listed).unwrap();
    assert_eq!((after, fates), (json!({}), vec![Fate::LeftOut]));
}

#[test]
fn an_entry_about_the_primary_itself_is_not_carried_when_it_has_all_of_it() {
    let other_way = |value| staged(PRIMARY, &json!({"own": value}));
    for (row, value, carried) in [("all of it", 1, false), ("not all of it", 2, true)] {
        let secondary = text(other_way(value).into_members());
        let (before, ..) =
            merged(&json!({"own":1}), &secondary, &rules(Conflicts::Primary)).unwrap();
        assert_eq!(!held(&before, "staged").is_empty(), carried, "{row}");
    }
}

#[test]
fn deep_and_union_merge_what_does_not_conflict() {
    let deep = |conflicts| MergeRules { deep: true, unite_lists: true, ..rules(conflicts) };
    let primary = json!({"a":{"x":1,"n":{"p":1}},"tags":["p"]});
    let secondary = json!({"a":{"x":2,"y":2,"n":{"q":1}},"tags":["a","p","b"]});
    let (before, after, _) = merged(&primary, &secondary, &deep(Conflicts::Primary)).unwrap();
    assert_eq!((&before["a"], &before["tags"]), (&primary["a"], &primary["tags"]));
    let expected = json!({"a":{"x":1,"y":2,"n":{"p":1,"q":1}},"tags":["p","a","b"]});
    assert_eq!(own(&after), expected);
    assert_eq!(
        held(&after, "kept"),
        std::slice::from_ref(&secondary),
        "another link may be settled meanwhile"
    );
    let (_, after, _) = merged(&primary, &secondary, &deep(Conflicts::Secondary)).unwrap();
    assert_eq!(after["a"], json!({"x":2,"y":2,"n":{"p":1,"q":1}}));
    let (_, after, _) = merged(&primary, &secondary, &deep(Conflicts::KeepBoth)).unwrap();
    assert_eq!(after["a"], json!({"x":1,"y":2,"n":{"p":1,"q":1}}));
    assert_eq!(held(&after, "kept"), std::slice::from_ref(&secondary));
    let refused = merged(&primary, &secondary, &deep(Conflicts::Refuse));
    assert_eq!(refused, Err(Unplannable::Conflict("a".to_owned())));
}

#[test]
fn what_cannot_be_written_is_found_before() {
    let small = MergeRules { max_bytes: 300, ..rules(Conflicts::Primary) };
    let long = "x".repeat(300);
    assert_eq!(
        merged(&json!({}), &json!({"a":long}), &small),
        Err(Unplannable::TooLarge { bytes: 382, max_bytes: 300 })
    );
    // What is there already is no fault here.
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
    // The primary's is there already, and nothing is written.
    assert!(merged(&deep(MAX_DEPTH - 1), &json!({}), &keep).is_ok());
    // Inside an entry it is two levels further down.
    for (levels, expected) in [(MAX_DEPTH - 3, None), (MAX_DEPTH - 2, Some(Unplannable::TooDeep))] {
        assert_eq!(merged(&json!({}), &deep(levels), &keep).err(), expected, "{levels}");
    }
}

#[test]
fn lists_are_united_in_the_order_they_have() {
    let union = MergeRules { unite_lists: true, ..rules(Conflicts::Secondary) };
    for (row, primary, secondary, expected) in [
        ("new ones at the end", json!([1, 2]), json!([3, 2, 0]), json!([1, 2, 3, 0])),
        ("each new one once", json!([1]), json!([2, 2]), json!([1, 2])),
        ("the primary's stay as they are", json!([1, 1]), json!([2, 1]), json!([1, 1, 2])),
        ("texts and numbers differ", json!([1]), json!(["1", 1.0]), json!([1, "1"])),
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

/// A retry finds the entry of the first attempt, and needs no room for another one.
#[test]
fn a_second_plan_takes_no_more_room() {
    let small = MergeRules { max_bytes: 1000, ..rules(Conflicts::Secondary) };
    let primary = members(&json!({"a": 1, "own": "x".repeat(200)}));
    let secondary = members(&json!({"a": 2, "b": "x".repeat(300)}));
    let pair = pair();
    let terms = Terms { pair: &pair, rules: &small };
    let first = plan(&secondary, &primary, terms).unwrap();
    let second = plan(&secondary, &first.before, terms).unwrap();
    assert_eq!(first.entry, second.entry);
    assert_eq!(first.before, second.before);
}

/// A list that could never be staged is not compared item by item, and comparing takes n log n.
#[test]
fn a_long_list_costs_little() {
    let small = MergeRules { unite_lists: true, deep: true, ..rules(Conflicts::Secondary) };
    let list = |from: u32, count: u32| json!((from..from + count).collect::<Vec<_>>());
    let many = list(0, 10_000);
    for (one, other) in [(json!([1]), many.clone()), (json!({"x": [1]}), json!({"x": many}))] {
        let found = merged(&json!({"a": one}), &json!({"a": other}), &small);
        assert!(matches!(found, Err(Unplannable::TooLarge { max_bytes: 8192, .. })), "{found:?}");
    }
    let large = MergeRules { max_bytes: 8 << 20, ..small };
    let (primary, secondary) =
        (json!({"a": list(0, 100_000)}), json!({"a": list(50_000, 100_000)}));
    let (_, after, _) = merged(&primary, &secondary, &large).unwrap();
    assert_eq!(after["a"], list(0, 150_000));
}

#[test]
fn an_entry_is_named_by_what_it_holds() {
    let (one, other) = (staged(SECONDARY, &json!({"a":1})), staged(SECONDARY, &json!({"a":2})));
    assert_ne!(one.key, other.key);
    assert!(one.key.starts_with(&about(SECONDARY)) && other.key.starts_with(&about(SECONDARY)));
}

#[test]
fn a_value_takes_the_place_of_the_one_it_was_staged_against() {
    let rules = rules(Conflicts::Secondary);
    let (before, ..) = merged(&json!({"a":1,"b":1}), &json!({"a":2,"b":2}), &rules).unwrap();
    let mut edited = members(&before);
    edited.insert("a".to_owned(), Value::Number(Number::of("7")));
    settle(&mut edited, None, &rules);
    let found = text(edited);
    assert_eq!(own(&found), json!({"a":7,"b":2}));
    assert_eq!(held(&found, "kept"), [json!({"a":2})]);
}

/// The API may give back a number in another text than it was sent.
#[test]
fn numbers_are_compared_by_value_and_kept_by_text() {
    let number = |text: &str| Value::Number(Number::of(text));
    let one = |key: &str, text: &str| -> Members { [(key.to_owned(), number(text))].into() };
    let entry = Entry::staged(&about(SECONDARY), one("a", "1.00"), Members::new());
    let shown = Entry::staged(&about(SECONDARY), one("a", "1"), Members::new());
    assert!(entry.is_in(&[(entry.key.clone(), shown.value)].into()), "an entry is shown");
    assert_eq!(digest(&number("100")), digest(&number("1e2")));
    assert_ne!(digest(&number("100")), digest(&number("10")));
    // The primary's has another text by the time at which the rule is applied.
    let rules = rules(Conflicts::Secondary);
    let entry = plan(&one("a", "7.50"), &one("a", "2.0"), Terms { pair: &pair(), rules: &rules })
        .unwrap()
        .entry;
    let mut now = one("a", "2");
    settle(&mut now, entry.as_ref(), &rules);
    assert_eq!(Value::Object(now).to_json(), r#"{"a":7.50}"#);
}

#[test]
fn whoever_finds_entries_settles_all_of_them() {
    for (row, conflicts, entries, expected, kept) in [
        (
            "two plans of one account: neither is dropped",
            Conflicts::Primary,
            vec![staged(SECONDARY, &json!({"a":1})), staged(SECONDARY, &json!({"a":2}))],
            vec![json!({"a":1}), json!({"a":2})],
            1,
        ),
        (
            "two accounts with the same value",
            Conflicts::Primary,
            vec![staged(SECONDARY, &json!({"a":1})), staged(THIRD, &json!({"a":1}))],
            vec![json!({"a":1})],
            0,
        ),
        (
            "an account that is not linked waits",
            Conflicts::Primary,
            vec![staged("auth0|9", &json!({"a":1}))],
            vec![json!({})],
            0,
        ),
    ] {
        let mut primary: Members = entries.into_iter().flat_map(Entry::into_members).collect();
        settle(&mut primary, None, &rules(conflicts));
        let found = text(primary.clone());
        assert!(expected.contains(&own(&found)), "{row}: {found}");
        assert_eq!(held(&found, "kept").len(), kept, "{row}: {found}");
        let settled = primary.clone();
        settle(&mut primary, None, &rules(conflicts));
        assert_eq!(primary, settled, "{row}: once");
    }
}

#[test]
fn an_entry_that_was_put_there_by_hand_opens_no_way_around_the_policy() {
    let planted = staged(SECONDARY, &json!({"secret":1,"a":2}));
    let mut primary: Members = planted.into_members();
    settle(&mut primary, None, &rules(Conflicts::Primary));
    let found = text(primary);
    assert_eq!(own(&found), json!({"a":2}));
    assert_eq!(held(&found, "kept"), [json!({"secret":1})]);
}

/// The API would refuse the whole write, and no later link of this account would ever be settled.
#[test]
fn a_key_that_the_api_does_not_take_is_kept_and_not_applied() {
    let planted = staged(SECONDARY, &json!({"a.b":1,"$c":2,"a":3}));
    let mut primary: Members = planted.into_members();
    settle(&mut primary, None, &rules(Conflicts::Primary));
    let found = text(primary);
    assert_eq!(own(&found), json!({"a":3}));
    assert_eq!(held(&found, "kept"), [json!({"a.b":1,"$c":2})]);
}

#[test]
fn what_a_primary_has_in_full_is_the_same_and_not_dropped() {
    let deep = MergeRules { deep: true, unite_lists: true, ..rules(Conflicts::Primary) };
    let mine = staged(SECONDARY, &json!({"a":{"y":2},"tags":[1]}));
    let primary = members(&json!({"a":{"x":1,"y":2},"tags":[0,1]}));
    let accounts = [about(SECONDARY)];
    let waiting = Waiting { mine: Some(&mine), accounts: &accounts, alone: false };
    let applied = apply(&primary, &waiting, &deep);
    let fates: Vec<Fate> = applied.fates.iter().map(|(_, fate)| *fate).collect();
    assert_eq!((applied.writes, fates), (Members::new(), vec![Fate::Same, Fate::Same]));
}

/// An exchange whose answer was lost settles its entry again, from memory.
#[test]
fn what_was_kept_is_not_kept_twice() {
    for conflicts in [Conflicts::KeepBoth, Conflicts::Refuse, Conflicts::Secondary] {
        let mine = staged(SECONDARY, &json!({"city":"Oslo","new":1}));
        let mut primary = members(&json!({"city":"Rome"}));
        settle(&mut primary, Some(&mine), &rules(conflicts));
        let once = primary.clone();
        settle(&mut primary, Some(&mine), &rules(conflicts));
        assert_eq!(text(primary), text(once), "{conflicts:?}");
    }
}

#[test]
fn what_is_not_shown_is_applied_from_memory() {
    let mine = staged(SECONDARY, &json!({"a":1}));
    let mut primary = members(&json!({"b":1}));
    settle(&mut primary, Some(&mine), &rules(Conflicts::Primary));
    assert_eq!(text(primary), json!({"a":1,"b":1}));
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
        prop_assert!(before.as_object().unwrap().len() <= primary.as_object().unwrap().len() + 1);
    }

    #[test]
    fn a_merge_is_idempotent(primary in object(), secondary in object(), rules in any_rules()) {
        let Ok((before, after, _)) = merged(&primary, &secondary, &rules) else { return Ok(()) };
        // A client that sends again before the link, and one that finds it made.
        let (again, after_again, _) = merged(&before, &secondary, &rules).unwrap();
        prop_assert_eq!(&again, &before);
        prop_assert_eq!(&after_again, &after);
        let mut found = members(&after);
        settle(&mut found, None, &rules);
        prop_assert_eq!(&text(found), &after);
    }

    #[test]
    fn every_carried_value_is_reachable(primary in object(), secondary in object(), rules in any_rules()) {
        let Ok((before, after, fates)) = merged(&primary, &secondary, &rules) else { return Ok(()) };
        for ((key, value), fate) in secondary.as_object().unwrap().iter().zip(fates) {
            let is_kept = held(&after, "kept").iter().any(|kept| kept.get(key) == Some(value));
            let is_staged = held(&before, "staged").iter().any(|staged| staged.get(key) == Some(value));
            let there = match fate {
                Fate::Added => after.get(key) == Some(value),
                Fate::Carried => after.get(key) == Some(value) || is_kept,
                Fate::Same => true,
                Fate::Staged => after.get(key) != primary.get(key),
                Fate::Kept => is_kept,
                Fate::Dropped => rules.conflicts == Conflicts::Primary && after.get(key) == primary.get(key),
                Fate::LeftOut => key == "secret",
                Fate::Null => value.is_null(),
            };
            prop_assert!(there, "{key} is {fate:?}: {after}");
            prop_assert!(is_staged || matches!(fate, Fate::LeftOut | Fate::Null), "{key}: {before}");
        }
    }
}
