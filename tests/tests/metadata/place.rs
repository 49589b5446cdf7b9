//! Where the accounts stand, and what each request leads to from there.
//!
//! Histories come by the same places over and over. The tenant is a pure machine: what it answered
//! once it is not asked again. (Its clock goes on, but nothing that the gate looks at depends on it.)

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use linkgate_policy::{Answer, Header};
use linkgate_tenant::{Request, Tenant};

use crate::edit::Edit;
use crate::gate::Sent;
use crate::world::{Metadata, PRIMARY, SECONDARY, THIRD};

/// The accounts as they stand.
pub(crate) struct Place {
    tenant: Tenant,
    /// The accounts, for people and for comparing.
    pub(crate) text: String,
    metadata: BTreeMap<&'static str, Metadata>,
    linked: Vec<String>,
    /// What others can do to them.
    pub(crate) edits: Vec<Edit>,
    sent: RefCell<Vec<(Rc<Sent>, Answered)>>,
    edited: RefCell<Vec<(Edit, Rc<Place>)>>,
}

/// What the tenant answered, and where that led to.
pub(crate) type Answered = (Rc<Answer>, Rc<Place>);

/// All places that were come by.
pub(crate) struct Places {
    known: RefCell<BTreeMap<String, Rc<Place>>>,
    now_unix_s: u64,
}

impl Places {
    pub(crate) fn new(now_unix_s: u64) -> Self {
        Self { known: RefCell::default(), now_unix_s }
    }

    /// The place of a tenant.
    pub(crate) fn of(&self, tenant: Tenant) -> Rc<Place> {
        let text = text(&tenant);
        let mut places = self.known.borrow_mut();
        let place = places.entry(text).or_insert_with_key(|text| Rc::new(Place::new(tenant, text)));
        Rc::clone(place)
    }

    /// Puts a request of the gate's to the tenant, which sees it as `request`.
    pub(crate) fn send(
        &self,
        from: &Rc<Place>,
        sent: &Rc<Sent>,
        request: impl FnOnce() -> Request,
    ) -> Answered {
        if let Some((_, answered)) =
            from.sent.borrow().iter().find(|(known, _)| is_same(known, sent))
        {
            return answered.clone();
        }
        let mut tenant = from.tenant.clone();
        let answer = tenant.answer(&request(), self.now_unix_s);
        // Without those that count calls: they differ from history to history, and tell nothing.
        let headers = answer.headers.iter().filter(|(name, _)| !name.starts_with("x-ratelimit"));
        let headers = headers.map(|(name, value)| Header::new(name, value)).collect();
        let answer = Rc::new(Answer { status: answer.status, headers, body: answer.body });
        let answered = (answer, self.of(tenant));
        from.sent.borrow_mut().push((Rc::clone(sent), answered.clone()));
        answered
    }

    /// Somebody else does something, which the tenant answers with this status.
    pub(crate) fn edit(
        &self,
        from: &Rc<Place>,
        edit: Edit,
        status: u16,
        request: impl FnOnce() -> Request,
    ) -> Rc<Place> {
        if let Some((_, place)) = from.edited.borrow().iter().find(|(known, _)| *known == edit) {
            return Rc::clone(place);
        }
        let mut tenant = from.tenant.clone();
        assert_eq!(tenant.answer(&request(), self.now_unix_s).status, status, "{edit}");
        let place = self.of(tenant);
        from.edited.borrow_mut().push((edit, Rc::clone(&place)));
        place
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Place {
    fn new(tenant: Tenant, text: &str) -> Self {
        let accounts = [PRIMARY, SECONDARY, THIRD];
        let metadata = accounts.into_iter().filter_map(|id| {
            Some((id, tenant.user(id)?.user_metadata().cloned().unwrap_or_default()))
        });
        Self {
            text: text.to_owned(),
            metadata: metadata.collect(),
            linked: tenant.user(PRIMARY).map_or_else(Vec::new, |user| user.linked_ids()),
            edits: Edit::possible(&tenant),
            sent: RefCell::default(),
            edited: RefCell::default(),
            tenant,
        }
    }

    /// Metadata of an account that is there.
    pub(crate) fn metadata(&self, account: &str) -> Option<&Metadata> {
        self.metadata.get(account)
    }

    /// The primary's metadata, which a place has of which it is asked.
    pub(crate) fn primary(&self) -> &Metadata {
        self.metadata(PRIMARY).expect("the primary was read")
    }

    /// Whether something waits for an account in an entry of the primary: in one about it, by the digest
    /// of its id.
    pub(crate) fn has_staged(&self, account: &str) -> bool {
        let about = entries_about(account);
        self.metadata(PRIMARY)
            .into_iter()
            .flatten()
            .any(|(key, entry)| key.starts_with(&about) && entry.get("staged").is_some())
    }

    /// Whether an account is linked to the primary.
    pub(crate) fn is_linked(&self, account: &str) -> bool {
        self.linked.iter().any(|id| id == account)
    }
}

/// What the keys of entries about an account begin with, worked out once by hand (`printf … | sha256sum`).
fn entries_about(account: &str) -> String {
    let digest = match account {
        SECONDARY => "6fb24f4f192df293a6fa93f014eba736",
        THIRD => "7c1cdf721e2c5509e6dc26516af0bd28",
        other => panic!("the digest of {other} is not known here"),
    };
    format!("linkgate_{digest}_")
}

/// One request, most often: the core makes it once.
fn is_same(one: &Rc<Sent>, other: &Rc<Sent>) -> bool {
    Rc::ptr_eq(one, other) || one == other
}

fn text(tenant: &Tenant) -> String {
    let accounts = [("primary", PRIMARY), ("secondary", SECONDARY), ("third", THIRD)];
    let lines = accounts.map(|(name, id)| match tenant.user(id) {
        None => format!("{name:9} -"),
        Some(user) => {
            let metadata = user.user_metadata().map_or_else(String::new, |metadata| {
                serde_json::to_string(metadata).expect("it is JSON")
            });
            let linked = user.linked_ids();
            let linked =
                if linked.is_empty() { String::new() } else { format!(" with {linked:?}") };
            format!("{name:9} {metadata}{linked}")
        }
    });
    lines.join("\n")
}
