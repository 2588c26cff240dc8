//! Trace requests of OTLP to rows of `otel_traces`, for `handspan_exporter/otlp/native.py`.
//!
//! It takes what is ordinary and leaves all else to protobuf: where it is not sure, it says so. So
//! it never decides that a request is bad, and what it lets pass protobuf lets pass, too.

mod arrow;
mod judge;
mod request;
mod rows;
mod value;
mod weight;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::from_raw_parts;

use arrow::ArrowArray;

/// Changes with the functions below and with what they return: who loads the library compares it.
const LAYOUT: u32 = 1;

const UNSURE: i64 = -1;
const PANICKED: i64 = -2;

/// Return `LAYOUT`.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn handspan_layout() -> u32 {
    LAYOUT
}

/// Return how many spans a request has that is sound and whose spans are all let in; else below 0.
///
/// # Safety
///
/// `body` must point to `length` bytes.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handspan_judge(
    body: *const u8,
    length: usize,
    oldest_ns: u64,
    newest_ns: u64,
) -> i64 {
    // SAFETY: the caller's promise.
    let body = unsafe { from_raw_parts(body, length) };
    guarded(|| judge::judge(body, oldest_ns, newest_ns).map(|spans| spans as i64))
}

/// Return how many bytes of resources and scopes the rows of a judged request have, each its own.
///
/// # Safety
///
/// `body` must point to `length` bytes.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handspan_copied(body: *const u8, length: usize) -> i64 {
    // SAFETY: the caller's promise.
    let body = unsafe { from_raw_parts(body, length) };
    guarded(|| weight::copied(body).map(|bytes| bytes.min(i64::MAX as u64) as i64))
}

/// Write the rows of judged requests, and the attributes of each of their resources; return how many
/// requests that were, or below 0 with nothing written.
///
/// # Safety
///
/// `bodies` and `lengths` must have `count` elements, each body so many bytes; `rows` and
/// `resources` must have room for an `ArrowArray` each.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handspan_rows(
    bodies: *const *const u8,
    lengths: *const usize,
    count: usize,
    rows: *mut ArrowArray,
    resources: *mut ArrowArray,
) -> i64 {
    // SAFETY: the caller's promise.
    let (starts, sizes) =
        unsafe { (from_raw_parts(bodies, count), from_raw_parts(lengths, count)) };
    let slices = starts.iter().zip(sizes);
    // SAFETY: the caller's promise.
    let bodies: Vec<&[u8]> =
        slices.map(|(&at, &size)| unsafe { from_raw_parts(at, size) }).collect();
    guarded(|| {
        let found = rows::rows(&bodies)?;
        // SAFETY: the caller's promise; what was there is overwritten, not dropped.
        unsafe {
            rows.write(found.0.into());
            resources.write(found.1.into());
        }
        Some(count as i64)
    })
}

/// A panic is a defect: it must not reach Python, and the tests look for it.
fn guarded(work: impl FnOnce() -> Option<i64>) -> i64 {
    catch_unwind(AssertUnwindSafe(work)).map_or(PANICKED, |found| found.unwrap_or(UNSURE))
}
