//! The rows of `otel_traces`: its columns in its order, of the types of `columns/traces.py`.

use std::collections::HashMap;

use crate::arrow::Node;
use crate::request::{Event, Link, Owner, Sink, Span, read};
use crate::value::{Value, write};

const SPAN_KINDS: [&str; 7] =
    ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer", ""];
const STATUS_CODES: [&str; 4] = ["Unset", "Ok", "Error", ""];
const SERVICE_NAME: &[u8] = b"service.name";
/// Of a time or a text's offset.
const LAST_NS: u64 = i64::MAX as u64;
const LAST_BYTE: usize = i32::MAX as usize;

/// Return rows, and the attributes of each resource, of requests that all passed `judge`.
///
/// `None`: together they are more than one Arrow array can hold.
pub fn rows(bodies: &[&[u8]]) -> Option<(Node, Node)> {
    let mut rows = Rows::new(bodies.iter().map(|body| body.len()).sum());
    for body in bodies {
        read(body, &mut rows)?;
    }
    Some(rows.finished())
}

struct Texts {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

impl Texts {
    fn new(bytes: usize, items: usize) -> Self {
        let mut offsets = Vec::with_capacity(items + 1);
        offsets.push(0);
        Self { offsets, data: Vec::with_capacity(bytes) }
    }

    #[inline]
    fn push(&mut self, text: &[u8]) {
        self.data.extend_from_slice(text);
        self.end();
    }

    /// End a text that was written to `data`.
    #[inline]
    fn end(&mut self) {
        self.offsets.push(self.data.len() as i32); // too long: `Rows::span` notices
    }

    fn hex(&mut self, id: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        if id.iter().any(|&octet| octet != 0) {
            self.data.extend(id.iter().flat_map(|&octet| {
                [DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]
            }));
        }
        self.end();
    }

    /// Append the texts from one to another, excluded, of others.
    fn copy(&mut self, from: &Texts, first: usize, end: usize) {
        let (start, base) = (from.offsets[first], self.data.len() as i32);
        self.data.extend_from_slice(&from.data[start as usize..from.offsets[end] as usize]);
        let ends = &from.offsets[first + 1..=end];
        self.offsets.extend(ends.iter().map(|&offset| base.wrapping_add(offset - start)));
    }

    fn get(&self, place: usize) -> &[u8] {
        &self.data[self.offsets[place] as usize..self.offsets[place + 1] as usize]
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn node(self) -> Node {
        Node::texts(self.offsets, self.data)
    }
}

struct Maps {
    offsets: Vec<i32>,
    keys: Texts,
    values: Texts,
}

impl Maps {
    fn new(bytes: usize, rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, keys: Texts::new(bytes, 0), values: Texts::new(bytes, 0) }
    }

    #[inline]
    fn push(&mut self, key: &[u8], value: &Value) -> Option<()> {
        self.keys.push(key);
        write(&mut self.values.data, value)?;
        self.values.end();
        Some(())
    }

    #[inline]
    fn end(&mut self) {
        self.offsets.push(self.keys.len() as i32);
    }

    fn fits(&self) -> bool {
        self.keys.data.len().max(self.values.data.len()).max(self.keys.len()) <= LAST_BYTE
    }

    fn node(self) -> Node {
        let fields = vec![self.keys.node(), self.values.node()];
        Node::lists(self.offsets, Node::structures(fields_length(&fields), fields))
    }
}

fn fields_length(fields: &[Node]) -> usize {
    fields.first().map_or(0, Node::length)
}

/// Texts that repeat, each kept once: ClickHouse refuses a dictionary that says a thing twice.
struct Names {
    known: HashMap<Vec<u8>, usize>,
    last: Option<usize>,
    names: Texts,
}

impl Names {
    fn new() -> Self {
        Self { known: HashMap::new(), last: None, names: Texts::new(0, 0) }
    }

    /// Where a name stands, from now on if it is new.
    #[inline]
    fn place(&mut self, name: &[u8]) -> i32 {
        let place = match self.last.filter(|&last| self.names.get(last) == name) {
            Some(last) => last,
            None => self.find(name),
        };
        self.last = Some(place);
        place as i32
    }

    fn find(&mut self, name: &[u8]) -> usize {
        if let Some(&place) = self.known.get(name) {
            return place;
        }
        let place = self.names.len();
        self.known.insert(name.to_vec(), place);
        self.names.push(name);
        place
    }
}

struct Rows<'a> {
    times: Vec<u64>,
    trace_ids: Texts,
    span_ids: Texts,
    parents: Texts,
    states: Texts,
    names: Vec<i32>,
    known_names: Names,
    kinds: Vec<i32>,
    services: Vec<i32>,
    known_services: Names,
    service: i32,
    resource: Maps,
    scope_names: Texts,
    scope_versions: Texts,
    attributes: Maps,
    durations: Vec<u64>,
    codes: Vec<i32>,
    messages: Texts,
    event_ends: Vec<i32>,
    event_times: Vec<u64>,
    event_names: Texts,
    event_attributes: Maps,
    link_ends: Vec<i32>,
    link_trace_ids: Texts,
    link_span_ids: Texts,
    link_states: Texts,
    link_attributes: Maps,
    /// All resources, once each.
    resources: Maps,
    scope: (&'a [u8], &'a [u8]),
}

impl<'a> Sink<'a> for Rows<'a> {
    fn text(&mut self, _text: &'a [u8]) -> Option<()> {
        Some(())
    }

    #[inline]
    fn pair(&mut self, owner: Owner, key: &'a [u8], value: &Value<'a>) -> Option<()> {
        match owner {
            Owner::Span => self.attributes.push(key, value),
            Owner::Event => self.event_attributes.push(key, value),
            Owner::Link => self.link_attributes.push(key, value),
            Owner::Resource => self.resources.push(key, value),
            Owner::Scope => Some(()),
        }
    }

    fn resource(&mut self) -> Option<()> {
        let first = *self.resources.offsets.last()? as usize;
        self.resources.end();
        let mut all = first..self.resources.keys.len();
        let service = match all.find(|&place| self.resources.keys.get(place) == SERVICE_NAME) {
            Some(place) => self.resources.values.get(place),
            None => &[],
        };
        self.service = self.known_services.place(service);
        Some(())
    }

    fn scope(&mut self, name: &'a [u8], version: &'a [u8]) -> Option<()> {
        self.scope = (name, version);
        Some(())
    }

    fn event(&mut self, event: &Event<'a>) -> Option<()> {
        self.event_times.push(event.time_ns.min(LAST_NS));
        self.event_names.push(event.name);
        self.event_attributes.end();
        Some(())
    }

    fn link(&mut self, link: &Link<'a>) -> Option<()> {
        self.link_trace_ids.hex(link.trace_id);
        self.link_span_ids.hex(link.span_id);
        self.link_states.push(link.trace_state);
        self.link_attributes.end();
        Some(())
    }

    fn span(&mut self, span: &Span<'a>) -> Option<()> {
        self.times.push(span.start_ns.min(LAST_NS));
        self.trace_ids.hex(span.trace_id);
        self.span_ids.hex(span.span_id);
        self.parents.hex(span.parent_span_id);
        self.states.push(span.trace_state);
        self.names.push(self.known_names.place(span.name));
        self.kinds.push(named(span.kind, &SPAN_KINDS));
        self.of_resource();
        self.scope_names.push(self.scope.0);
        self.scope_versions.push(self.scope.1);
        self.attributes.end();
        self.durations.push(span.end_ns.saturating_sub(span.start_ns));
        self.codes.push(named(span.status, &STATUS_CODES));
        self.messages.push(span.status_message);
        self.event_ends.push(self.event_times.len() as i32);
        self.link_ends.push(self.link_states.len() as i32);
        self.fits().then_some(())
    }
}

impl<'a> Rows<'a> {
    /// Begin with room for requests of so many bytes.
    fn new(bytes: usize) -> Self {
        let rows = bytes / 512;
        Self {
            times: Vec::with_capacity(rows),
            trace_ids: Texts::new(rows * 32, rows),
            span_ids: Texts::new(rows * 16, rows),
            parents: Texts::new(rows * 16, rows),
            states: Texts::new(0, rows),
            names: Vec::with_capacity(rows),
            known_names: Names::new(),
            kinds: Vec::with_capacity(rows),
            services: Vec::with_capacity(rows),
            known_services: Names::new(),
            service: 0,
            resource: Maps::new(bytes / 4, rows),
            scope_names: Texts::new(rows * 16, rows),
            scope_versions: Texts::new(rows * 8, rows),
            attributes: Maps::new(bytes, rows),
            durations: Vec::with_capacity(rows),
            codes: Vec::with_capacity(rows),
            messages: Texts::new(0, rows),
            event_ends: ends(rows),
            event_times: Vec::new(),
            event_names: Texts::new(0, 0),
            event_attributes: Maps::new(0, 0),
            link_ends: ends(rows),
            link_trace_ids: Texts::new(0, 0),
            link_span_ids: Texts::new(0, 0),
            link_states: Texts::new(0, 0),
            link_attributes: Maps::new(0, 0),
            resources: Maps::new(0, 0),
            scope: (&[], &[]),
        }
    }

    /// Give the row what its resource says.
    fn of_resource(&mut self) {
        let (all, row) = (&self.resources.offsets, &mut self.resource);
        let (first, end) = (all[all.len() - 2] as usize, all[all.len() - 1] as usize);
        row.keys.copy(&self.resources.keys, first, end);
        row.values.copy(&self.resources.values, first, end);
        row.end();
        self.services.push(self.service);
    }

    /// Whether offsets of 32 bits reach so far; one span cannot have more than leads past all.
    fn fits(&self) -> bool {
        let short = [&self.states, &self.scope_names, &self.scope_versions, &self.messages];
        let inner = [&self.event_names, &self.link_trace_ids, &self.link_states];
        let maps =
            [&self.resource, &self.attributes, &self.event_attributes, &self.link_attributes];
        short.iter().chain(&inner).all(|texts| texts.data.len() <= LAST_BYTE)
            && maps.iter().all(|maps| maps.fits())
            && self.trace_ids.data.len() <= LAST_BYTE
            && self.parents.data.len() <= LAST_BYTE
    }

    fn finished(self) -> (Node, Node) {
        let columns = vec![
            Node::longs(self.times),
            self.trace_ids.node(),
            self.span_ids.node(),
            self.parents.node(),
            self.states.node(),
            Node::places(self.names, self.known_names.names.node()),
            Node::places(self.kinds, words(&SPAN_KINDS)),
            Node::places(self.services, self.known_services.names.node()),
            self.resource.node(),
            self.scope_names.node(),
            self.scope_versions.node(),
            self.attributes.node(),
            Node::longs(self.durations),
            Node::places(self.codes, words(&STATUS_CODES)),
            self.messages.node(),
            Node::lists(self.event_ends.clone(), Node::longs(self.event_times)),
            Node::lists(self.event_ends.clone(), self.event_names.node()),
            Node::lists(self.event_ends, self.event_attributes.node()),
            Node::lists(self.link_ends.clone(), self.link_trace_ids.node()),
            Node::lists(self.link_ends.clone(), self.link_span_ids.node()),
            Node::lists(self.link_ends.clone(), self.link_states.node()),
            Node::lists(self.link_ends, self.link_attributes.node()),
        ];
        (Node::structures(fields_length(&columns), columns), self.resources.node())
    }
}

fn ends(rows: usize) -> Vec<i32> {
    let mut ends = Vec::with_capacity(rows + 1);
    ends.push(0);
    ends
}

/// The place of a number's name; of one that OpenTelemetry does not know yet that of ''.
fn named(number: u32, names: &[&str]) -> i32 {
    (number as usize).min(names.len() - 1) as i32
}

fn words(names: &[&str]) -> Node {
    let mut words = Texts::new(0, names.len());
    names.iter().for_each(|name| words.push(name.as_bytes()));
    words.node()
}
