//! Base64url (RFC 4648 section 5), one text for one value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Decodes canonical base64url without padding (RFC 7515 section 2): one text for one value.
#[must_use]
pub fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
