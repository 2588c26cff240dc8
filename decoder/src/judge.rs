//! Whether a request is sound to the last byte, and each of its spans one that is let in.

use crate::request::{Event, Link, Owner, Sink, Span, read};
use crate::value::{Value, checked, write};

/// Bytes that the resources may take once every span has its own copy.
const MOST_COPIED: usize = 256 << 20;

/// Count the spans of a request; `None`: protobuf and `columns/admission.py` have to judge.
pub fn judge(body: &[u8], oldest_ns: u64, newest_ns: u64) -> Option<usize> {
    let mut judge =
        Judge { oldest_ns, newest_ns, spans: 0, resource_bytes: 0, copied: 0, scratch: Vec::new() };
    read(body, &mut judge)?;
    (judge.spans > 0 && judge.copied < MOST_COPIED).then_some(judge.spans)
}

struct Judge {
    oldest_ns: u64,
    newest_ns: u64,
    spans: usize,
    /// Of the present resource, about.
    resource_bytes: usize,
    copied: usize,
    scratch: Vec<u8>,
}

impl<'a> Sink<'a> for Judge {
    fn text(&mut self, text: &'a [u8]) -> Option<()> {
        checked(text)
    }

    #[inline]
    fn pair(&mut self, owner: Owner, key: &'a [u8], value: &Value<'a>) -> Option<()> {
        checked(key)?;
        match value {
            Value::Text(text) => checked(text)?,
            Value::Array(_) | Value::Map(_) | Value::Double(_) => {
                self.scratch.clear();
                write(&mut self.scratch, value)?;
            }
            _ => {}
        }
        if let Owner::Resource = owner {
            self.resource_bytes += key.len() + 32;
            if let Value::Text(data) | Value::Bytes(data) | Value::Array(data) | Value::Map(data) =
                value
            {
                self.resource_bytes += 2 * data.len();
            }
        }
        Some(())
    }

    fn resource(&mut self) -> Option<()> {
        Some(())
    }

    fn scope(&mut self, name: &'a [u8], version: &'a [u8]) -> Option<()> {
        checked(name)?;
        checked(version)
    }

    fn event(&mut self, event: &Event<'a>) -> Option<()> {
        checked(event.name)
    }

    fn link(&mut self, link: &Link<'a>) -> Option<()> {
        checked(link.trace_state)
    }

    fn span(&mut self, span: &Span<'a>) -> Option<()> {
        checked(span.trace_state)?;
        checked(span.name)?;
        checked(span.status_message)?;
        self.spans += 1;
        self.copied = self.copied.saturating_add(self.resource_bytes);
        let admitted = is_id(span.trace_id, 16)
            && is_id(span.span_id, 8)
            && span.end_ns >= span.start_ns
            && (self.oldest_ns..=self.newest_ns).contains(&span.start_ns);
        admitted.then_some(())
    }
}

fn is_id(id: &[u8], length: usize) -> bool {
    id.len() == length && id.iter().any(|&octet| octet != 0)
}
