//! The ways in: the tenant's database, one-time codes, and social networks.

use crate::directory::Directory;
use crate::provider;
use crate::user::User;

/// The tenant's own database.
pub(super) const DATABASE: &str = "Username-Password-Authentication";

/// How a connection signs people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Password,
    OneTimeCode,
    OneClick,
}

/// The way of the connection called `name`; `None` when there is no such connection.
pub(super) fn way(name: &str) -> Option<Way> {
    match name {
        DATABASE => Some(Way::Password),
        "sms" | "email" => Some(Way::OneTimeCode),
        other => (provider::is_known(other) && provider::is_social(other)).then_some(Way::OneClick),
    }
}

/// The social networks that somebody has an account with.
pub(super) fn social(directory: &Directory) -> Vec<&str> {
    let identities = directory.users().flat_map(User::identities);
    let social = identities.filter(|identity| provider::is_social(&identity.provider));
    let mut names: Vec<&str> = social.map(|identity| identity.connection.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether `name` is one for the connection: a telephone number in the form of E.164, or an e-mail address.
pub(super) fn is_name(connection: &str, name: &str) -> bool {
    if connection == "sms" {
        let digits = name.strip_prefix('+').unwrap_or_default();
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    } else {
        name.len() <= 254
            && name
                .split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_its_connection() {
        for (connection, name, expected) in [
            ("sms", "+15550100", true),
            ("sms", "+155501000000000", true),
            ("sms", "15550100", false),
            ("sms", "+1 555 0100", false),
            ("sms", "+1555010", false),
            ("sms", "+", false),
            ("email", "ada@example.com", true),
            ("email", "@example.com", false),
            ("email", "ada", false),
        ] {
            assert_eq!(is_name(connection, name), expected, "{connection} {name}");
        }
    }

    #[test]
    fn a_connection_has_its_way() {
        for (name, expected) in [
            (DATABASE, Some(Way::Password)),
            ("sms", Some(Way::OneTimeCode)),
            ("google-oauth2", Some(Way::OneClick)),
            ("samlp", None),
            ("none", None),
        ] {
            assert_eq!(way(name), expected, "{name}");
        }
    }
}
