//! YAML or JSON text, as a value and the places of everything in it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::finding::Finding;
use super::places::{self, Place, Places};
use crate::once;

/// What was read of a text.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// None for a text that is neither YAML nor JSON.
    pub(super) value: Option<Value>,
    pub(super) places: Places,
    /// What is wrong with the text itself: its form, and keys that stand twice.
    pub(super) flaws: Vec<Finding>,
}

/// Reads YAML 1.2 (`off` is a word, not a boolean).
pub(super) fn yaml(text: &str) -> Source {
    match node(text) {
        Ok(node) => node.into_source(),
        Err(error) => {
            if let Some(tab) = indented_by_tab(text) {
                return Source { flaws: vec![tab], ..Source::default() };
            }
            let plain = error.without_snippet();
            let place = plain.location().and_then(place);
            let line = place.and_then(|place| text.lines().nth(place.line.saturating_sub(1)));
            let said = plain.to_string();
            let (message, help) = in_our_words(without_place(&said), line.unwrap_or_default());
            let flaw = Finding { help, ..Finding::of_text(place, message) };
            Source { flaws: vec![flaw], ..Source::default() }
        }
    }
}

/// Reads JSON. YAML has nearly all of JSON in it, so the same reader finds the places; where it does not, the
/// document is good all the same, and what is wrong with it is reported without a line.
pub(super) fn json(text: &str) -> Source {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let place = Place::at(error.line(), error.column());
            let message = without_place(&error.to_string()).to_owned();
            let flaw = Finding::of_text(Some(place), format!("expected JSON: {message}"));
            return Source { flaws: vec![flaw], ..Source::default() };
        }
    };
    match (node(text), once::read(text.as_bytes())) {
        (Ok(node), _) => node.into_source(),
        (Err(_), Ok(_)) => Source { value: Some(value), ..Source::default() },
        (Err(_), Err(why)) => {
            Source { flaws: vec![Finding::of_text(None, why)], ..Source::default() }
        }
    }
}

fn node(text: &str) -> Result<Node, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// What is most often wrong with YAML. The parser notices it late, and says so of another line.
fn indented_by_tab(text: &str) -> Option<Finding> {
    let column = |line: &str| {
        let tab = line.find('\t')?;
        line.chars().take(tab).all(|character| character == ' ').then_some(tab + 1)
    };
    let (line, column) =
        text.lines().enumerate().find_map(|(index, line)| Some((index + 1, column(line)?)))?;
    let mut finding =
        Finding::of_text(Some(Place::at(line, column)), "expected spaces, found a tab".to_owned());
    finding.help = Some("YAML is indented with spaces alone".to_owned());
    Some(finding)
}

/// What a parser says of the mistakes that people make most, as they would say it; `line` is the one it stopped in.
fn in_our_words(said: &str, line: &str) -> (String, Option<String>) {
    if line.contains("${") {
        let help =
            "`${…}` is not expanded here: write the value, or fill it in before (`envsubst`)";
        return ("expected a value, found a variable".to_owned(), Some(help.to_owned()));
    }
    let found = WORDS.iter().find(|(begin, _, _)| said.starts_with(begin));
    match found {
        Some((_, message, help)) => ((*message).to_owned(), Some((*help).to_owned())),
        None => (format!("expected YAML: {said}"), None),
    }
}

/// What a parser's words begin with, what is said in their place, and what to do.
const WORDS: [(&str, &str, &str); 5] = [
    (
        "multiple YAML documents",
        "expected one document, found a second one behind `---`",
        "a policy is one document: put each into a file of its own",
    ),
    (
        "while scanning an anchor or alias",
        "expected a value, found a `*` or `&` that begins no name",
        "write a text that begins so in quotes: `\"*\"`",
    ),
    (
        "alias references unknown anchor",
        "expected a value, found an alias (`*`) of nothing in this file",
        "write a text that begins with `*` in quotes",
    ),
    (
        "unexpected character: `",
        "expected a value, found a character that begins none",
        "write a text that begins with `@`, `%` or a backtick in quotes",
    ),
    (
        "mapping values are not allowed",
        "expected no second `:` here, found one",
        "keys of one object begin in the same column, and a text with `: ` in it is written in quotes",
    ),
];

/// A parser's words, without its own telling of the place.
fn without_place(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.rsplit_once(" at line ").map_or(line, |(what, _)| what)
}

fn place(location: Location) -> Option<Place> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let place = Place {
        line: number(location.line()),
        column: number(location.column()),
        width: number(location.span().len()),
    };
    (location != Location::UNKNOWN).then_some(place)
}

/// A value and its place.
struct Node {
    place: Option<Place>,
    tree: Tree,
}

enum Tree {
    Scalar(Value),
    List(Vec<Node>),
    Object(Vec<(Key, Node)>),
}

struct Key {
    name: String,
    place: Option<Place>,
    /// Whether it came of a merge key (`<<`), so that one that is written here replaces it.
    is_merged: bool,
}

impl Node {
    fn into_source(self) -> Source {
        let mut source = Source::default();
        let value = self.note("", None, &mut source);
        source.value = Some(value);
        source
    }

    /// The value; what there is to say of it and of what is in it goes into the source.
    fn note(self, pointer: &str, key: Option<Place>, source: &mut Source) -> Value {
        source.places.insert(pointer.to_owned(), key, self.place);
        match self.tree {
            Tree::Scalar(value) => value,
            Tree::List(nodes) => {
                let items = nodes.into_iter().enumerate();
                items
                    .map(|(index, node)| node.note(&places::item(pointer, index), None, source))
                    .collect()
            }
            Tree::Object(members) => Value::Object(note_members(members, pointer, source)),
        }
    }
}

/// Of a key that is written twice, the first counts.
fn note_members(
    members: Vec<(Key, Node)>,
    pointer: &str,
    source: &mut Source,
) -> Map<String, Value> {
    let mut object = Map::new();
    let mut seen: BTreeMap<String, Option<Place>> = BTreeMap::new();
    for (key, node) in members {
        let pointer = places::member(pointer, &key.name);
        match seen.get(&key.name) {
            Some(_) if key.is_merged => {}
            Some(before) => {
                source.flaws.push(Finding::twice(&pointer, &key.name, key.place, *before));
            }
            None => {
                seen.insert(key.name.clone(), key.place);
                let value = node.note(&pointer, key.place, source);
                object.insert(key.name, value);
            }
        }
    }
    object
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self { place: place(referenced), tree: value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Tree::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some((key, node)) = object.next_entry::<Spanned<String>, Node>()? {
            let is_merged = key.referenced != key.defined;
            members.push((Key { name: key.value, place: place(key.referenced), is_merged }, node));
        }
        Ok(Tree::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pointer key value` of every place, in the order of the pointers.
    fn places(source: &Source) -> Vec<String> {
        let shown = |place: Option<Place>| {
            place.map_or("-".to_owned(), |place| {
                format!("{}:{}+{}", place.line, place.column, place.width)
            })
        };
        source
            .places
            .all()
            .map(|(pointer, key, value)| format!("{pointer} {} {}", shown(key), shown(value)))
            .collect()
    }

    #[test]
    fn everything_has_a_place() {
        let source = yaml("a: 1\nbc:\n  - d: {e: [x, yz]}\n");
        let expected = [
            " - 1:1+0",
            "/a 1:1+1 1:4+1",
            "/bc 2:1+2 3:3+0",
            "/bc/0 - 3:5+0",
            "/bc/0/d 3:5+1 3:8+1",
            "/bc/0/d/e 3:9+1 3:12+1",
            "/bc/0/d/e/0 - 3:13+1",
            "/bc/0/d/e/1 - 3:16+2",
        ];
        assert_eq!(places(&source), expected);
    }

    #[test]
    fn json_has_places_whatever_it_is_indented_with() {
        let source = json("{\n\t\"a\": [\n\t\t\"b\"\n\t]\n}");
        assert_eq!(places(&source), [" - 1:1+1", "/a 2:2+3 2:7+1", "/a/0 - 3:3+3"]);
    }

    #[test]
    fn json_that_yaml_does_not_read_is_read_all_the_same() {
        let source = json(r#"{"a":"\ud83d\ude00"}"#);
        assert_eq!(source.value.unwrap()["a"], "\u{1f600}");
        let source = json(r#"{"a":"\ud83d\ude00","a":1}"#);
        let [flaw] = source.flaws.as_slice() else { panic!("{source:?}") };
        assert!(flaw.message.contains("`a`"), "{flaw:?}");
    }

    #[test]
    fn a_key_that_stands_twice_is_told_at_its_second_place() {
        let source = yaml("a: 1\nb: 2\na: 3\n");
        let [flaw] = source.flaws.as_slice() else { panic!("{source:?}") };
        assert_eq!((flaw.pointer.as_str(), flaw.place), ("/a", Some(Place::at(3, 1))));
        assert_eq!(flaw.help.as_deref(), Some("the first one is on line 1"));
        assert_eq!(source.value.unwrap().to_string(), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn a_merge_key_is_overridden_in_silence() {
        let source = yaml("base: &base { a: 1, b: 2 }\nown: { <<: *base, a: 3 }\n");
        assert!(source.flaws.is_empty(), "{:?}", source.flaws);
        assert_eq!(source.value.unwrap()["own"].to_string(), r#"{"a":3,"b":2}"#);
    }

    /// The words of the library are its own to change: a new version that says it in another way fails here.
    #[test]
    fn what_people_write_by_habit_is_said_in_our_words() {
        for (text, message) in [
            ("a: 1\n---\na: 2\n", "expected one document, found a second one behind `---`"),
            ("include: *\n", "expected a value, found a `*` or `&` that begins no name"),
            ("include: [*]\n", "expected a value, found a `*` or `&` that begins no name"),
            ("a: *b\n", "expected a value, found an alias (`*`) of nothing in this file"),
            ("a: @b\n", "expected a value, found a character that begins none"),
            ("a: b: c\n", "expected no second `:` here, found one"),
            ("a: [${B}]\n", "expected a value, found a variable"),
        ] {
            let [flaw] = yaml(text).flaws.try_into().unwrap_or_else(|flaws| panic!("{flaws:?}"));
            assert_eq!(flaw.message, message, "{text}");
            assert!(flaw.help.is_some() && flaw.place.is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_yaml_or_json_is_told_where() {
        for (source, place, message) in [
            (
                yaml("a: [1\nb: 2\n"),
                Place::at(2, 2),
                "expected YAML: illegal placement of ':' indicator",
            ),
            (json("{\n  \"a\": ,\n}"), Place::at(2, 8), "expected JSON: expected value"),
        ] {
            let [flaw] = source.flaws.as_slice() else { panic!("{source:?}") };
            assert_eq!((flaw.place, flaw.message.as_str()), (Some(place), message));
            assert_eq!(source.value, None);
        }
    }
}
