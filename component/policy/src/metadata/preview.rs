//! What a merge would do, key by key, for people who choose a rule. Nothing is sent.

use super::plan::{self, Terms, Unplannable};
use super::reserved_entry::Pair;
use super::value::{MAX_DEPTH, patched, size};
use crate::audit::merge::Fate;
use crate::rules::metadata::MergeRules;
use crate::text::json::{self, Json as Value, NotStrict, Object as Members};
use crate::verdict::cause::Cause;

/// A merge that was not made. Values are JSON, their numbers as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Every key of both accounts, in byte order.
    pub keys: Vec<PreviewKey>,
    /// `user_metadata` of the write before the link; none when there is nothing to write.
    pub before_link: Option<String>,
    /// `user_metadata` of the write once the link is confirmed.
    pub after_link: Option<String>,
    /// Bytes of the primary's `user_metadata` as compact JSON, the more of before and after.
    pub bytes: usize,
    /// Bytes allowed.
    pub max_bytes: usize,
    /// The key of the primary under which all is held until the link is confirmed; empty for none.
    pub reserved: String,
}

/// A key of either account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewKey {
    /// The key.
    pub key: String,
    /// The primary's value.
    pub primary: Option<String>,
    /// The secondary's value.
    pub secondary: Option<String>,
    /// The primary's value once all is done.
    pub outcome: Option<String>,
    /// What becomes of the secondary's value; none when it has none.
    pub fate: Option<Fate>,
}

/// Why nothing can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPreview {
    /// The policy does not merge.
    NotMerging,
    /// This one of the two is not what was expected: a phrase that says what is.
    Unreadable {
        /// `primary` or `secondary`.
        account: &'static str,
        /// What was expected, and what was found.
        why: &'static str,
    },
    /// The link would be refused, and nothing written.
    Refused {
        /// The cause that the decision record would name.
        cause: String,
        /// Why, in words.
        why: String,
    },
}

/// An account as a person has it in a file: a user as the Management API gives it, or `user_metadata`
/// alone.
struct Shown {
    id: String,
    metadata: Members,
}

impl Shown {
    fn read(account: &'static str, text: &[u8]) -> Result<Self, NoPreview> {
        let unreadable = |why| NoPreview::Unreadable { account, why };
        let value = json::parse(text).map_err(|flaw| {
            unreadable(match flaw {
                NotStrict::Malformed | NotStrict::Duplicate => {
                    "expected JSON in which no member is written twice"
                }
                NotStrict::TooDeep => json::TOO_DEEP,
            })
        })?;
        let members = value.as_object().ok_or_else(|| unreadable("expected a JSON object"))?;
        let Some(id) = members.get("user_id").and_then(Value::as_text) else {
            return Ok(Self { id: account.to_owned(), metadata: members.clone() });
        };
        let metadata = match members.get("user_metadata") {
            None => Members::new(),
            Some(value) if value.is_null() => Members::new(),
            Some(value) => value
                .as_object()
                .ok_or_else(|| unreadable("expected `user_metadata` to be an object"))?
                .clone(),
        };
        Ok(Self { id: id.to_owned(), metadata })
    }
}

/// Shows a merge of two accounts.
pub(crate) fn preview(
    primary: &[u8],
    secondary: &[u8],
    rules: &MergeRules,
) -> Result<Preview, NoPreview> {
    let primary = Shown::read("primary", primary)?;
    let secondary = Shown::read("secondary", secondary)?;
    let (pair, primary) = (Pair::of(&primary.id, &secondary.id), primary.metadata);
    let plan = plan::plan(&secondary.metadata, &primary, Terms { pair: &pair, rules })
        .map_err(|unplannable| refused(&unplannable))?;
    let after = patched(&plan.before, &plan.writes);
    let fate = |key: &str| plan.rows.iter().find(|(name, _)| name == key).map(|(_, fate)| *fate);
    let names = primary.keys().chain(secondary.metadata.keys()).chain(after.keys());
    let mut names: Vec<&String> = names.collect();
    names.sort_unstable();
    names.dedup();
    let json = |members: &Members, key: &str| members.get(key).map(Value::to_json);
    let keys = names.into_iter().map(|key| PreviewKey {
        key: key.clone(),
        primary: json(&primary, key),
        secondary: json(&secondary.metadata, key),
        outcome: json(&after, key),
        fate: fate(key),
    });
    Ok(Preview {
        keys: keys.collect(),
        bytes: size(plan.before).max(size(after)),
        max_bytes: rules.max_bytes,
        reserved: plan.entry.as_ref().map(|entry| entry.key.clone()).unwrap_or_default(),
        before_link: plan.entry.and_then(|entry| text(&entry.into_members())),
        after_link: text(&plan.writes),
    })
}

fn refused(unplannable: &Unplannable) -> NoPreview {
    let cause = Cause::Denied(unplannable.flaw().into()).name();
    let why = match unplannable {
        Unplannable::Conflict(key) => {
            format!("`{key}` has different values, and the rule is `refuse`")
        }
        Unplannable::ForbiddenName(key) => {
            format!("`{key}` has a `.` or a `$`, which the API takes in no key")
        }
        Unplannable::TooLarge { bytes, max_bytes } => {
            format!("the primary would have {bytes} bytes of metadata, of {max_bytes} at most")
        }
        Unplannable::TooDeep => {
            format!("the primary's metadata would be nested more than {MAX_DEPTH} levels deep")
        }
    };
    NoPreview::Refused { cause, why }
}

fn text(members: &Members) -> Option<String> {
    (!members.is_empty()).then(|| Value::Object(members.clone()).to_json())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::metadata::Conflicts;

    fn rules(conflicts: Conflicts) -> MergeRules {
        MergeRules {
            include: None,
            exclude: ["left".to_owned()].into(),
            conflicts,
            deep: false,
            unite_lists: false,
            max_bytes: 300,
        }
    }

    #[test]
    fn every_key_of_both_is_shown() {
        let primary = br#"{"user_id":"auth0|a","user_metadata":{"own":1.50,"theme":"light"}}"#;
        let secondary = br#"{"theme":"dark","new":12345678901234567890123,"left":1}"#;
        let shown = preview(primary, secondary, &rules(Conflicts::Secondary)).unwrap();
        let rows: Vec<_> = shown
            .keys
            .iter()
            .map(|row| (row.key.as_str(), row.outcome.as_deref(), row.fate.map(Fate::name)))
            .collect();
        assert_eq!(
            rows,
            [
                ("left", None, Some("left-out")),
                ("new", Some("12345678901234567890123"), Some("added")),
                ("own", Some("1.50"), None),
                ("theme", Some(r#""dark""#), Some("staged")),
            ]
        );
        assert!(shown.before_link.unwrap().contains("staged"));
        assert!(shown.after_link.unwrap().starts_with(r#"{"linkgate_"#));
    }

    #[test]
    fn what_would_be_refused_is_said() {
        let show = |primary: &str, secondary: &str| {
            preview(primary.as_bytes(), secondary.as_bytes(), &rules(Conflicts::Refuse))
        };
        let long = format!(r#"{{"long":"{}"}}"#, "x".repeat(400));
        for (row, primary, secondary, expected) in [
            ("a conflict", r#"{"a":1}"#, r#"{"a":2}"#, "metadata-conflict"),
            ("a forbidden name", "{}", r#"{"a.b":2}"#, "metadata-key-forbidden"),
            ("too large", "{}", &long, "metadata-too-large"),
        ] {
            let Err(NoPreview::Refused { cause, .. }) = show(primary, secondary) else {
                panic!("{row}")
            };
            assert_eq!(cause, expected, "{row}");
        }
        for (row, text) in [
            ("no JSON", "x"),
            ("no object", "[]"),
            ("a member twice", r#"{"a":1,"a":1}"#),
            ("no metadata", r#"{"user_id":"a","user_metadata":3}"#),
        ] {
            let found = show("{}", text);
            assert!(
                matches!(found, Err(NoPreview::Unreadable { account: "secondary", .. })),
                "{row}"
            );
        }
    }
}
