//! What a policy document says of where a request came from, and of its id.

use super::headers;
use super::host::Abilities;
use super::section::{Entry, Section};
use crate::access::client_address;
use crate::access::request_id;
use crate::rules::FORWARDED;
use crate::rules::client_address::{AddressHeader, AddressRules};

/// Most proxies that can be trusted. Raised, nothing breaks: no deployment has as many.
const MAX_HOPS: u64 = 16;

/// `client_address`: a word, or a header and how many entries of it are the proxies'.
pub(super) fn address(entry: &Entry<'_>, host: Abilities) -> Option<AddressRules> {
    if entry.value().as_text().is_none() {
        return header(entry.section()?);
    }
    entry.one_of(&[("connection", ())])?;
    if !host.knows_peer {
        return entry.mistaken(
            "expected a `header` on a host that does not say who is connected, found `connection`".to_owned(),
            Some("`{ header: x-forwarded-for, trusted_hops: 1 }` takes the address from the proxy in front".to_owned()),
        );
    }
    Some(AddressRules::Connection)
}

fn header(mut section: Section<'_>) -> Option<AddressRules> {
    let headers = [
        ("x-forwarded-for", AddressHeader::XForwardedFor),
        ("forwarded", AddressHeader::Forwarded),
        ("x-real-ip", AddressHeader::XRealIp),
    ];
    let header = section.required("header").and_then(|entry| entry.one_of(&headers));
    let hops = match section.optional("trusted_hops") {
        Some(entry) => hops(&entry, header),
        None => Some(1),
    };
    section.end();
    Some(AddressRules::Header(header?, usize::try_from(hops?).ok()?))
}

fn hops(entry: &Entry<'_>, header: Option<AddressHeader>) -> Option<u64> {
    let hops = entry.whole_number(1..=MAX_HOPS)?;
    if header == Some(AddressHeader::XRealIp) && hops != 1 {
        return entry.wrong("1 with `x-real-ip`, which has one address", &hops.to_string());
    }
    Some(hops)
}

/// `request_id`: the name of its header.
pub(super) fn request_id(mut section: Section<'_>) -> Option<String> {
    let name = match section.optional("header") {
        Some(entry) => id_header(&entry),
        None => Some(request_id::HEADER.to_owned()),
    };
    section.end();
    name
}

/// A header that means nothing else: it is taken off, and put on with an id in it.
fn id_header(entry: &Entry<'_>) -> Option<String> {
    let name = headers::forwarded(entry)?;
    let means_more =
        client_address::NAMES.contains(&name.as_str()) || name.starts_with("access-control-");
    if means_more || FORWARDED.contains(&name.as_str()) || RESERVED.contains(&name.as_str()) {
        return entry.wrong("the header of an id and of nothing else", &format!("`{name}`"));
    }
    // With a `-` at an end, a client's `x-id*` would fold to the same name, and `*` is a pattern in removals.
    if name.starts_with('-') || name.ends_with('-') {
        return entry
            .wrong("a name that begins and ends with a letter or digit", &format!("`{name}`"));
    }
    Some(name)
}

/// Headers that mean something in a request or a reply of the gate's.
const RESERVED: [&str; 9] = [
    "cache-control",
    "date",
    "http2-settings",
    "linkgate-metadata",
    "location",
    "retry-after",
    "set-cookie",
    "vary",
    "www-authenticate",
];
