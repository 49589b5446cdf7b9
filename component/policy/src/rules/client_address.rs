//! Where the address of the client is found.

/// Where the address of the client is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressRules {
    /// The peer of the client's connection.
    Connection,
    /// This header, and at which of its entries, counted from the right and from 1.
    Header(AddressHeader, usize),
}

/// A header that proxies write the address into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressHeader {
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
    /// One line with one address.
    XRealIp,
}
