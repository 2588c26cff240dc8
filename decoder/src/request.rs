//! The messages of a trace request, from the top down; `None` at whatever is out of the ordinary.

use crate::value::{Value, pair};
use crate::wire::{Reader, Seen, fixed32, fixed64, sized, varint};

/// What a span says of itself, besides attributes, events and links; texts are not yet checked.
#[derive(Default)]
pub struct Span<'a> {
    /// As sent.
    pub trace_id: &'a [u8],
    /// As sent.
    pub span_id: &'a [u8],
    /// As sent; empty for a root.
    pub parent_span_id: &'a [u8],
    /// A text.
    pub trace_state: &'a [u8],
    /// A text.
    pub name: &'a [u8],
    /// Number of a `SpanKind`.
    pub kind: u32,
    /// In Unix ns.
    pub start_ns: u64,
    /// In Unix ns.
    pub end_ns: u64,
    /// Number of a `StatusCode`.
    pub status: u32,
    /// A text.
    pub status_message: &'a [u8],
}

/// One event, besides its attributes.
#[derive(Default)]
pub struct Event<'a> {
    /// In Unix ns.
    pub time_ns: u64,
    /// A text.
    pub name: &'a [u8],
}

/// One link, besides its attributes.
#[derive(Default)]
pub struct Link<'a> {
    /// As sent.
    pub trace_id: &'a [u8],
    /// As sent.
    pub span_id: &'a [u8],
    /// A text.
    pub trace_state: &'a [u8],
}

/// Whose attribute it is.
#[derive(Clone, Copy)]
pub enum Owner {
    /// The resource that is being read.
    Resource,
    /// Of a scope: no column holds it.
    Scope,
    /// The span that is being read.
    Span,
    /// The event that is being read.
    Event,
    /// The link that is being read.
    Link,
}

/// Takes what is found. Attributes come before what they belong to; events and links before their
/// span; a resource before its scopes, a scope before its spans. `None` ends it all.
pub trait Sink<'a> {
    /// A text that no column holds.
    fn text(&mut self, text: &'a [u8]) -> Option<()>;
    /// An attribute.
    fn pair(&mut self, owner: Owner, key: &'a [u8], value: &Value<'a>) -> Option<()>;
    /// The end of a resource.
    fn resource(&mut self) -> Option<()>;
    /// The end of a scope: name and version.
    fn scope(&mut self, name: &'a [u8], version: &'a [u8]) -> Option<()>;
    /// The end of an event.
    fn event(&mut self, event: &Event<'a>) -> Option<()>;
    /// The end of a link.
    fn link(&mut self, link: &Link<'a>) -> Option<()>;
    /// The end of a span.
    fn span(&mut self, span: &Span<'a>) -> Option<()>;
}

/// Read one `ExportTraceServiceRequest`.
pub fn read<'a>(body: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    let mut reader = Reader::new(body);
    while !reader.is_empty() {
        match reader.tag()? {
            RESOURCE_SPANS => resource_spans(reader.bytes()?, sink)?,
            _ => return None,
        }
    }
    Some(())
}

const RESOURCE_SPANS: u32 = sized(1);

fn resource_spans<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const RESOURCE: u32 = sized(1);
    const SCOPE_SPANS: u32 = sized(2);
    const SCHEMA_URL: u32 = sized(3);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    while !reader.is_empty() {
        match reader.tag()? {
            RESOURCE => {
                seen.once(1)?; // also when it comes after its spans
                resource(reader.bytes()?, sink)?;
            }
            SCOPE_SPANS => {
                if !seen.has(1) {
                    seen.once(1)?;
                    sink.resource()?;
                }
                scope_spans(reader.bytes()?, sink)?;
            }
            SCHEMA_URL => {
                seen.once(3)?;
                sink.text(reader.bytes()?)?;
            }
            _ => return None,
        }
    }
    if seen.has(1) { Some(()) } else { sink.resource() }
}

fn resource<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const ATTRIBUTES: u32 = sized(1);
    const DROPPED: u32 = varint(2);
    const ENTITIES: u32 = sized(3);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    while !reader.is_empty() {
        match reader.tag()? {
            ATTRIBUTES => attribute(Owner::Resource, reader.bytes()?, sink)?,
            ENTITIES => entity(reader.bytes()?, sink)?,
            DROPPED => dropped(&mut reader, &mut seen, 2)?,
            _ => return None,
        }
    }
    sink.resource()
}

/// What the resource is made of: no column holds it.
fn entity<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const SCHEMA_URL: u32 = sized(1);
    const KIND: u32 = sized(2);
    const ID_KEYS: u32 = sized(3);
    const DESCRIPTION_KEYS: u32 = sized(4);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    while !reader.is_empty() {
        let tag = reader.tag()?;
        match tag {
            SCHEMA_URL | KIND => seen.once(tag >> 3)?,
            ID_KEYS | DESCRIPTION_KEYS => {}
            _ => return None,
        }
        sink.text(reader.bytes()?)?;
    }
    Some(())
}

fn scope_spans<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const SCOPE: u32 = sized(1);
    const SPANS: u32 = sized(2);
    const SCHEMA_URL: u32 = sized(3);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    while !reader.is_empty() {
        match reader.tag()? {
            SCOPE => {
                seen.once(1)?; // also when it comes after its spans
                scope(reader.bytes()?, sink)?;
            }
            SPANS => {
                if !seen.has(1) {
                    seen.once(1)?;
                    sink.scope(&[], &[])?;
                }
                span(reader.bytes()?, sink)?;
            }
            SCHEMA_URL => {
                seen.once(3)?;
                sink.text(reader.bytes()?)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn scope<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const NAME: u32 = sized(1);
    const VERSION: u32 = sized(2);
    const ATTRIBUTES: u32 = sized(3);
    const DROPPED: u32 = varint(4);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    let (mut name, mut version) = (&[][..], &[][..]);
    while !reader.is_empty() {
        match reader.tag()? {
            NAME => {
                seen.once(1)?;
                name = reader.bytes()?;
            }
            VERSION => {
                seen.once(2)?;
                version = reader.bytes()?;
            }
            ATTRIBUTES => attribute(Owner::Scope, reader.bytes()?, sink)?,
            DROPPED => dropped(&mut reader, &mut seen, 4)?,
            _ => return None,
        }
    }
    sink.scope(name, version)
}

fn span<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const TRACE_ID: u32 = sized(1);
    const SPAN_ID: u32 = sized(2);
    const TRACE_STATE: u32 = sized(3);
    const PARENT_SPAN_ID: u32 = sized(4);
    const NAME: u32 = sized(5);
    const KIND: u32 = varint(6);
    const START: u32 = fixed64(7);
    const END: u32 = fixed64(8);
    const ATTRIBUTES: u32 = sized(9);
    const DROPPED_ATTRIBUTES: u32 = varint(10);
    const EVENTS: u32 = sized(11);
    const DROPPED_EVENTS: u32 = varint(12);
    const LINKS: u32 = sized(13);
    const DROPPED_LINKS: u32 = varint(14);
    const STATUS: u32 = sized(15);
    const FLAGS: u32 = fixed32(16);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    let mut span = Span::default();
    while !reader.is_empty() {
        let tag = reader.tag()?;
        if !matches!(tag, ATTRIBUTES | EVENTS | LINKS) {
            seen.once(tag >> 3 & 31)?;
        }
        match tag {
            TRACE_ID => span.trace_id = reader.bytes()?,
            SPAN_ID => span.span_id = reader.bytes()?,
            TRACE_STATE => span.trace_state = reader.bytes()?,
            PARENT_SPAN_ID => span.parent_span_id = reader.bytes()?,
            NAME => span.name = reader.bytes()?,
            KIND => span.kind = reader.small()?,
            START => span.start_ns = reader.long()?,
            END => span.end_ns = reader.long()?,
            ATTRIBUTES => attribute(Owner::Span, reader.bytes()?, sink)?,
            EVENTS => event(reader.bytes()?, sink)?,
            LINKS => link(reader.bytes()?, sink)?,
            DROPPED_ATTRIBUTES | DROPPED_EVENTS | DROPPED_LINKS => drop(reader.number32()?),
            STATUS => status(reader.bytes()?, &mut span)?,
            FLAGS => drop(reader.word()?),
            _ => return None,
        }
    }
    sink.span(&span)
}

fn status<'a>(data: &'a [u8], span: &mut Span<'a>) -> Option<()> {
    const MESSAGE: u32 = sized(2);
    const CODE: u32 = varint(3);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    while !reader.is_empty() {
        match reader.tag()? {
            MESSAGE => {
                seen.once(2)?;
                span.status_message = reader.bytes()?;
            }
            CODE => {
                seen.once(3)?;
                span.status = reader.small()?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn event<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const TIME: u32 = fixed64(1);
    const NAME: u32 = sized(2);
    const ATTRIBUTES: u32 = sized(3);
    const DROPPED: u32 = varint(4);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    let mut event = Event::default();
    while !reader.is_empty() {
        match reader.tag()? {
            TIME => {
                seen.once(1)?;
                event.time_ns = reader.long()?;
            }
            NAME => {
                seen.once(2)?;
                event.name = reader.bytes()?;
            }
            ATTRIBUTES => attribute(Owner::Event, reader.bytes()?, sink)?,
            DROPPED => dropped(&mut reader, &mut seen, 4)?,
            _ => return None,
        }
    }
    sink.event(&event)
}

fn link<'a>(data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    const TRACE_ID: u32 = sized(1);
    const SPAN_ID: u32 = sized(2);
    const TRACE_STATE: u32 = sized(3);
    const ATTRIBUTES: u32 = sized(4);
    const DROPPED: u32 = varint(5);
    const FLAGS: u32 = fixed32(6);
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    let mut link = Link::default();
    while !reader.is_empty() {
        let tag = reader.tag()?;
        if tag != ATTRIBUTES {
            seen.once(tag >> 3 & 31)?;
        }
        match tag {
            TRACE_ID => link.trace_id = reader.bytes()?,
            SPAN_ID => link.span_id = reader.bytes()?,
            TRACE_STATE => link.trace_state = reader.bytes()?,
            ATTRIBUTES => attribute(Owner::Link, reader.bytes()?, sink)?,
            DROPPED => drop(reader.number32()?),
            FLAGS => drop(reader.word()?),
            _ => return None,
        }
    }
    sink.link(&link)
}

#[inline]
fn attribute<'a>(owner: Owner, data: &'a [u8], sink: &mut impl Sink<'a>) -> Option<()> {
    let (key, value) = pair(data)?;
    sink.pair(owner, key, &value)
}

/// How many attributes the client left out: no column holds it.
fn dropped(reader: &mut Reader, seen: &mut Seen, field: u32) -> Option<()> {
    seen.once(field)?;
    reader.number32().map(drop)
}
