//! What the core did when it got the same inputs before.
//!
//! The core knows nothing but its inputs: time and bytes are arguments, and it does no I/O. So
//! each way of telling it something is tried on the real core once, and remembered. A test of its own
//! compares histories with and without memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use linkgate_policy::{Decision, Now, Policy};

use crate::gate::{Core, Gate, Move, Told};
use crate::world::{NOW_UNIX_S, World};

/// All exchanges of one gate that link one account to the primary.
pub(crate) struct Memory {
    policy: Rc<RefCell<Policy>>,
    primary_path: String,
    bearer: String,
    secondary: String,
    first: RefCell<Option<Rc<Node>>>,
    /// Of the gate's clock, which never goes back.
    mono_ms: Cell<u64>,
    /// Times that the core was run.
    pub(crate) runs: Cell<u64>,
}

/// The outcome of that input.
struct Node {
    next: Move,
    must_finish: bool,
    decision: RefCell<Option<Rc<Decision>>>,
    told: RefCell<Vec<(Told, u64, Rc<Node>)>>,
}

/// An exchange that is remembered, as far as it is.
pub(crate) struct Remembered {
    memory: Rc<Memory>,
    node: Rc<Node>,
    told: Vec<(Told, u64)>,
    /// The real one, where memory ended, and which run of the core it is.
    live: Option<(u64, Core)>,
}

impl Memory {
    pub(crate) fn new(world: &World, secondary: &str, is_first: bool) -> Rc<Self> {
        Rc::new(Self {
            policy: Rc::new(RefCell::new(world.policy(!is_first))),
            primary_path: world.primary_path.clone(),
            bearer: world.tokens.bearer.gate.clone(),
            secondary: world.tokens.of(secondary).gate.clone(),
            first: RefCell::default(),
            mono_ms: Cell::new(0),
            runs: Cell::new(0),
        })
    }

    /// Opens an exchange.
    pub(crate) fn open(self: &Rc<Self>) -> (Remembered, Move) {
        let known = self.first.borrow().clone();
        let (live, node) = match known {
            Some(node) => (None, node),
            None => {
                let (core, next) = self.run();
                let node = Node::of(&core, next);
                *self.first.borrow_mut() = Some(Rc::clone(&node));
                (Some((self.runs.get(), core)), node)
            }
        };
        let next = node.next.clone();
        (Remembered { memory: Rc::clone(self), node, told: Vec::new(), live }, next)
    }

    /// Runs the real one.
    fn run(&self) -> (Core, Move) {
        self.runs.set(self.runs.get() + 1);
        // Long after the one before.
        let mono_ms = self.mono_ms.get() + 10_000_000;
        self.mono_ms.set(mono_ms);
        let start = Now { unix_ms: NOW_UNIX_S * 1000, mono_ms };
        let (path, bearer) = (&self.primary_path, &self.bearer);
        Core::open(Rc::clone(&self.policy), path, bearer, &self.secondary, start)
    }
}

impl Node {
    fn of(core: &Core, next: Move) -> Rc<Self> {
        let must_finish = core.must_finish();
        let (decision, told) = (RefCell::default(), RefCell::default());
        Rc::new(Self { next, must_finish, decision, told })
    }

    fn child(&self, told: &Told, elapsed_ms: u64) -> Option<Rc<Self>> {
        let all = self.told.borrow();
        let known = all.iter().find(|(known, at, _)| *at == elapsed_ms && known == told)?;
        Some(Rc::clone(&known.2))
    }
}

impl Remembered {
    /// The real exchange, with all inputs that this one got. One that began later has moved the time of
    /// their policy on, which never goes back: then it is run anew.
    fn core(&mut self) -> Core {
        let runs = self.memory.runs.get();
        let live = self.live.take().filter(|(run, _)| *run == runs);
        live.map(|(_, core)| core).unwrap_or_else(|| {
            let (mut core, _) = self.memory.run();
            for (told, elapsed_ms) in &self.told {
                core.next(told.clone(), *elapsed_ms);
            }
            core
        })
    }
}

impl Gate for Remembered {
    fn next(&mut self, told: Told, elapsed_ms: u64) -> Move {
        if let Some(child) = self.node.child(&told, elapsed_ms) {
            (self.live, self.node) = (None, child);
        } else {
            let mut core = self.core();
            let next = core.next(told.clone(), elapsed_ms);
            let child = Node::of(&core, next);
            let known = (told.clone(), elapsed_ms, Rc::clone(&child));
            self.node.told.borrow_mut().push(known);
            (self.live, self.node) = (Some((self.memory.runs.get(), core)), child);
        }
        self.told.push((told, elapsed_ms));
        self.node.next.clone()
    }

    fn must_finish(&self) -> bool {
        self.node.must_finish
    }

    fn close(mut self: Box<Self>, elapsed_ms: u64) -> Rc<Decision> {
        if self.node.decision.borrow().is_none() {
            let decision = Box::new(self.core()).close(elapsed_ms);
            *self.node.decision.borrow_mut() = Some(decision);
        }
        self.node.decision.borrow().clone().expect("it was just put there")
    }
}
