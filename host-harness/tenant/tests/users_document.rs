//! The users document: what it accepts, and what it says of mistakes, word for word.

use linkgate_tenant::{DEFAULT_USERS, Users};

#[test]
fn the_default_document_is_in_order() {
    assert_eq!(Users::parse(DEFAULT_USERS).map(|_| ()), Ok(()));
}

#[test]
fn a_user_needs_an_id_alone() {
    assert!(Users::parse(r#"{"users": [{"user_id": "email|x"}]}"#).is_ok());
    assert!(Users::parse(r#"{"users": []}"#).is_ok());
}

#[test]
fn mistakes_of_content_are_all_named() {
    let document = r#"{"users": [
        {"user_id": "alice"},
        {"user_id": "auth0|b", "email": "nowhere", "user_metadata": {"a.b": 1, "ok": 2}, "app_metadata": {"$c": 1}},
        {"user_id": "github|007", "numbered": true, "identities": [{"user_id": "github|7", "numbered": true}]},
        {"user_id": "myspace|c", "identities": [{"user_id": "auth0|b"}, {"user_id": "github|"}]}
    ]}"#;
    let expected = "\
users[0].user_id: expected `provider|id` with a known provider, found `alice`
users[1].user_metadata: a key may hold neither `.` nor `$`, found `a.b`
users[1].app_metadata: a key may hold neither `.` nor `$`, found `$c`
users[1].email: expected an e-mail address, found `nowhere`
users[2].user_id: expected a number after the provider, since it is `numbered`, found `github|007`
users[3].user_id: expected `provider|id` with a known provider, found `myspace|c`
users[3].identities[0].user_id: `auth0|b` is there twice
users[3].identities[1].user_id: expected `provider|id` with a known provider, found `github|`";
    assert_eq!(Users::parse(document).unwrap_err().to_string(), expected);
}

#[test]
fn mistakes_of_form_have_a_line_and_a_column() {
    let rows = [
        (
            "a misspelt member",
            "{\"users\": [\n{\"user_id\": \"auth0|a\", \"emial\": \"\"}]}",
            "unknown field `emial`, expected one of",
            "at line 2 column",
        ),
        (
            "a member of the document",
            "{\"users\": [], \"people\": []}",
            "unknown field `people`, expected `users`",
            "at line 1 column",
        ),
        (
            "metadata on an identity",
            "{\"users\": [{\"user_id\": \"auth0|a\", \"identities\": [{\"user_metadata\": {}}]}]}",
            "unknown field `user_metadata`",
            "at line 1 column",
        ),
        ("no id", "{\"users\": [{}]}", "missing field `user_id`", "at line 1 column"),
        (
            "a member twice",
            "{\"users\": [{\"user_id\": \"a\", \"user_id\": \"b\"}]}",
            "duplicate field `user_id`",
            "at line 1 column",
        ),
        (
            "metadata that is no object",
            "{\"users\": [{\"user_id\": \"auth0|a\", \"user_metadata\": []}]}",
            "invalid type: sequence, expected a map",
            "at line 1 column",
        ),
        ("nothing", "", "EOF while parsing a value", "at line 1 column 0"),
    ];
    for (name, document, what, place) in rows {
        let text = Users::parse(document).unwrap_err().to_string();
        assert!(text.contains(what) && text.contains(place), "{name}: {text}");
    }
}
