//! What a merging link is given at each turn.

use super::replacing::Replacing;
use super::service_token::Credentials;
use crate::audit::record::Record;
use crate::http::cors::Cors;
use crate::rules::Rules;
use crate::rules::metadata::MetadataRules;
use crate::time::clock::Now;

/// What a merge is given at each turn.
pub(crate) struct Given<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) metadata: &'a MetadataRules,
    pub(crate) credentials: &'a mut Credentials,
    pub(crate) replacing: &'a mut Replacing,
    pub(crate) cors: &'a Cors,
    pub(crate) record: &'a mut Record,
    pub(crate) now: Now,
}
