//! How much of a request is copied: every row has its own resource and scope.

use crate::wire::{Reader, sized};

/// Of `ResourceSpans` the resource, of `ScopeSpans` the scope.
const SHARED: u32 = sized(1);
/// Of `ResourceSpans` each `ScopeSpans`, of these each span.
const SHARING: u32 = sized(2);

/// Bytes of resources and scopes once each span has its own; of a request that `judge` takes.
pub fn copied(body: &[u8]) -> Option<u64> {
    let (mut reader, mut total) = (Reader::new(body), 0_u64);
    while !reader.is_empty() {
        reader.tag()?;
        total = total.saturating_add(of_resource(reader.bytes()?)?);
    }
    Some(total)
}

fn of_resource(data: &[u8]) -> Option<u64> {
    let (mut reader, mut size, mut spans, mut total) = (Reader::new(data), 0, 0_u64, 0_u64);
    while !reader.is_empty() {
        match (reader.tag()?, reader.bytes()?) {
            (SHARED, resource) => size = resource.len() as u64,
            (SHARING, inner) => {
                let (count, scope) = of_scope(inner)?;
                spans += count;
                total = total.saturating_add(count.saturating_mul(scope));
            }
            _ => {}
        }
    }
    Some(total.saturating_add(spans.saturating_mul(size)))
}

/// How many spans there are, and how large their scope is.
fn of_scope(data: &[u8]) -> Option<(u64, u64)> {
    let (mut reader, mut spans, mut size) = (Reader::new(data), 0, 0);
    while !reader.is_empty() {
        match (reader.tag()?, reader.bytes()?) {
            (SHARED, scope) => size = scope.len() as u64,
            (SHARING, _) => spans += 1,
            _ => {}
        }
    }
    Some((spans, size))
}
