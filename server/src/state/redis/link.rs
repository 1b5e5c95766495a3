//! Which server is asked? The only one, or those of a cluster that have the keys: all are sent their part before any
//! answer is read, so that a request takes one round trip.
//!
//! A server that has given a slot away says where it is (MOVED, ASK): those questions are asked there, a bounded number
//! of times. After any failure the next request connects anew and, in a cluster, asks anew who has what.

use super::{
    Node,
    failure::{Failure, first_error},
    slots::Slots,
    wire::{Access, Asked, Wire},
};
use crate::state::{RedisSettings, StateError, Trouble};
use redis::{ServerErrorKind, Value, cmd};
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

/// Times that questions are sent on to another server.
const ROUNDS_MAX: usize = 4;

/// Servers that are asked who has what, before it is given up for now.
const ASKED_MAX: usize = 8;

/// Servers of a cluster that are kept in mind.
const KNOWN_MAX: usize = 1_000;

/// Packed commands about one key: they are answered, and sent on, together.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Of the key.
    pub(super) slot: u16,
    /// Commands as octets.
    pub(super) packed: Vec<u8>,
    /// How many commands.
    pub(super) answers: usize,
}

/// Answers to a unit.
pub(super) type Answers = Vec<Value>;

/// Connections to a store, for one thread.
pub(super) struct Link {
    access: Access,
    /// Who is asked about the cluster: whoever failed last comes last.
    known: VecDeque<Node>,
    /// Who has what; `None` = to be asked. The only server has everything.
    slots: Option<Slots>,
    cluster: bool,
    /// Connections that owe no answer.
    idle: BTreeMap<Node, Wire>,
}

/// A part of a request that goes to one server.
struct Part {
    node: Node,
    /// It has to be told that it is asked for a slot that is on its way to it.
    asking: bool,
    units: Vec<usize>,
}

impl Link {
    pub(super) fn new(settings: &RedisSettings, access: Access) -> Self {
        let known = settings.nodes.iter().cloned().collect();
        Self { access, known, slots: None, cluster: settings.cluster, idle: BTreeMap::new() }
    }

    /// Moment of the clock at which a request that begins now has to end.
    pub(super) fn end(&self, timeout: Duration) -> Instant {
        self.access.clock.steady() + timeout
    }

    /// Unix seconds.
    pub(super) fn unix_seconds(&self) -> u64 {
        self.access.clock.now().unix_seconds()
    }

    /// Asks; the answers are in the order of the units.
    pub(super) fn ask(&mut self, units: &[Unit], end: Instant) -> Result<Vec<Answers>, StateError> {
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let asked = self.ask_in_rounds(units, end);
        if asked.is_err() {
            self.forget();
        }
        asked
    }

    /// Asks one server, that with this number in the order of [`Link::masters`]; `None` = there are not so many.
    pub(super) fn ask_at(&mut self, place: usize, unit: Unit, end: Instant) -> Result<Option<Answers>, StateError> {
        let masters = self.masters(end)?;
        let Some(node) = masters.get(place) else { return Ok(None) };
        let part = Part { node: node.clone(), asking: false, units: vec![0] };
        let asked = self.round(&[unit], &[part], end);
        if asked.is_err() {
            self.forget();
        }
        Ok(asked?.pop().map(|(_, answers)| answers))
    }

    /// After trouble nothing is taken for granted.
    pub(super) fn forget(&mut self) {
        self.idle.clear();
        self.slots = None;
    }

    /// Who is first asked: for messages.
    pub(super) fn first(&self) -> Node {
        self.known.front().cloned().unwrap_or_else(|| Node::Tcp(String::new(), 0))
    }

    /// Everybody who has keys.
    fn masters(&mut self, end: Instant) -> Result<Vec<Node>, StateError> {
        if self.cluster { Ok(self.slots(end)?.masters()) } else { Ok(vec![self.first()]) }
    }

    fn ask_in_rounds(&mut self, units: &[Unit], end: Instant) -> Result<Vec<Answers>, StateError> {
        let mut answers: Vec<Answers> = vec![Vec::new(); units.len()];
        let mut parts = self.parts(units, end)?;
        for _ in 0..ROUNDS_MAX {
            let mut sent_on: BTreeMap<(Node, bool), Vec<usize>> = BTreeMap::new();
            let mut moved = false;
            for (unit, answer) in self.round(units, &parts, end)? {
                let from = parts.iter().find(|part| part.units.contains(&unit)).map(|part| &part.node);
                match from.filter(|_| self.cluster).and_then(|from| redirected(&answer, from)) {
                    Some((node, asking)) => {
                        moved |= !asking;
                        sent_on.entry((node, asking)).or_default().push(unit);
                    }
                    None => answers[unit] = answer,
                }
            }
            if moved {
                self.slots = None;
            }
            if sent_on.is_empty() {
                return Ok(answers);
            }
            parts = sent_on.into_iter().map(|((node, asking), units)| Part { node, asking, units }).collect();
        }
        Err(Failure::new(Trouble::Moved, "sent from one server to another, again and again").at(&self.first()))
    }

    /// What goes where.
    fn parts(&mut self, units: &[Unit], end: Instant) -> Result<Vec<Part>, StateError> {
        if !self.cluster {
            return Ok(vec![Part { node: self.first(), asking: false, units: (0..units.len()).collect() }]);
        }
        let slots = self.slots(end)?;
        let mut by_node: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
        for (place, unit) in units.iter().enumerate() {
            match slots.owner(unit.slot) {
                Some(node) => by_node.entry(node.clone()).or_default().push(place),
                None => {
                    let text = format!("no server of the cluster has slot {}", unit.slot);
                    return Err(Failure::new(Trouble::Moved, text).at(&self.first()));
                }
            }
        }
        Ok(by_node.into_iter().map(|(node, units)| Part { node, asking: false, units }).collect())
    }

    /// Sends every part, then reads all answers. A connection is given back when it owes nothing; the others are closed.
    fn round(&mut self, units: &[Unit], parts: &[Part], end: Instant) -> Result<Vec<(usize, Answers)>, StateError> {
        let mut asked = Vec::with_capacity(parts.len());
        for part in parts {
            asked.push(self.send(units, part, end).map_err(|failure| failure.at(&part.node))?);
        }
        let mut all = Vec::with_capacity(units.len());
        for (part, asked) in parts.iter().zip(asked) {
            let (wire, answers) = asked.answers().map_err(|failure| failure.at(&part.node))?;
            self.idle.insert(part.node.clone(), wire);
            let mut answers = answers.into_iter();
            for &unit in &part.units {
                // The answer to ASKING says nothing that the next one does not.
                let skipped = usize::from(part.asking);
                let answers: Answers = answers.by_ref().take(skipped + units[unit].answers).skip(skipped).collect();
                self.check(&answers).map_err(|failure| failure.at(&part.node))?;
                all.push((unit, answers));
            }
        }
        Ok(all)
    }

    /// Errors that concern a key alone are left to whoever asked; in a cluster, directions too.
    fn check(&self, answers: &[Value]) -> Result<(), Failure> {
        match first_error(answers) {
            Some(error) if error.code() == "WRONGTYPE" => Ok(()),
            Some(error) if matches!(error.code(), "MOVED" | "ASK") && self.cluster => Ok(()),
            Some(error) if error.code() == "MOVED" => {
                Err(Failure::new(Trouble::Moved, "this is a server of a cluster: expected redis_cluster = true"))
            }
            Some(error) => Err(Failure::said(error)),
            None => Ok(()),
        }
    }

    fn send(&mut self, units: &[Unit], part: &Part, end: Instant) -> Result<Asked, Failure> {
        let wire = match self.idle.remove(&part.node) {
            Some(wire) => wire,
            None => Wire::open(&part.node, &self.access, end)?,
        };
        let (mut packed, mut answers) = (Vec::new(), 0);
        for &unit in &part.units {
            if part.asking {
                cmd("ASKING").write_packed_command(&mut packed);
            }
            packed.extend(&units[unit].packed);
            answers += units[unit].answers + usize::from(part.asking);
        }
        wire.ask(&packed, answers, end)
    }

    /// Who has what in the cluster. Each server that is asked gets half of the time that is left: one that hangs shall
    /// not hide the others, and is asked last the next time.
    fn slots(&mut self, end: Instant) -> Result<Slots, StateError> {
        if let Some(slots) = &self.slots {
            return Ok(slots.clone());
        }
        let mut last = Failure::new(Trouble::Refused, "nobody of the cluster can be asked").at(&self.first());
        for _ in 0..self.known.len().min(ASKED_MAX) {
            let node = self.first();
            match self.ask_for_slots(&node, end) {
                Ok(slots) => {
                    self.learn(&slots);
                    self.slots = Some(slots.clone());
                    return Ok(slots);
                }
                Err(failure) => last = failure.at(&node),
            }
            self.known.rotate_left(1);
        }
        Err(last)
    }

    fn ask_for_slots(&mut self, node: &Node, end: Instant) -> Result<Slots, Failure> {
        let left = end.saturating_duration_since(self.access.clock.steady());
        let end = self.end(left / 2);
        let wire = match self.idle.remove(node) {
            Some(wire) => wire,
            None => Wire::open(node, &self.access, end)?,
        };
        let (wire, answers) = wire.ask(&cmd("CLUSTER").arg("SLOTS").get_packed_command(), 1, end)?.answers()?;
        if let Some(error) = first_error(&answers) {
            return Err(Failure::said(error));
        }
        let slots = answers.first().and_then(|answer| Slots::of_answer(answer, node)).ok_or_else(Failure::odd)?;
        self.idle.insert(node.clone(), wire);
        Ok(slots)
    }

    /// Servers that were not named can be asked too. Whoever was named is never forgotten.
    fn learn(&mut self, slots: &Slots) {
        for node in slots.masters() {
            if self.known.len() < KNOWN_MAX && !self.known.contains(&node) {
                self.known.push_back(node);
            }
        }
    }
}

/// Where the answer says that the question should have gone, and whether for this once (ASK).
fn redirected(answers: &[Value], from: &Node) -> Option<(Node, bool)> {
    let error = first_error(answers)?;
    let asking = match error.kind()? {
        ServerErrorKind::Moved => false,
        ServerErrorKind::Ask => true,
        _ => return None,
    };
    let (_slot, place) = error.details()?.split_once(' ')?;
    let (host, port) = place.rsplit_once(':')?;
    Some((Node::announced(host, port.parse().ok()?, from)?, asking))
}
