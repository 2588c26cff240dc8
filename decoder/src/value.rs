//! Attribute values, and their texts as `columns/any_value.py` describes and writes them.

use std::io::Write;
use std::str::from_utf8;

use crate::wire::{Reader, Seen, fixed64, sized, varint};

/// Arrays and maps in each other. Protobuf takes 100 messages in each other, three of them a level.
const DEEPEST: u32 = 16;

const STRING: u32 = sized(1);
const BOOL: u32 = varint(2);
const INT: u32 = varint(3);
const DOUBLE: u32 = fixed64(4);
const ARRAY: u32 = sized(5);
const MAP: u32 = sized(6);
const BYTES: u32 = sized(7);
const KEY: u32 = sized(1);
const VALUE: u32 = sized(2);
/// Of `ArrayValue` and `KeyValueList`.
const VALUES: u32 = sized(1);

/// One `AnyValue`.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// None is set.
    Nothing,
    /// Not yet known to be UTF-8.
    Text(&'a [u8]),
    /// true or false
    Bool(bool),
    /// All of int64.
    Int(i64),
    /// Any, not a number included.
    Double(f64),
    /// Arbitrary ones.
    Bytes(&'a [u8]),
    /// The bytes of an `ArrayValue`.
    Array(&'a [u8]),
    /// The bytes of a `KeyValueList`.
    Map(&'a [u8]),
}

/// Read a `KeyValue`: its key, not yet known to be UTF-8, and its value.
#[inline]
pub fn pair(data: &[u8]) -> Option<(&[u8], Value<'_>)> {
    let (mut reader, mut seen) = (Reader::new(data), Seen::default());
    let (mut key, mut found) = (&[][..], Value::Nothing);
    while !reader.is_empty() {
        match reader.tag()? {
            KEY => {
                seen.once(1)?;
                key = reader.bytes()?;
            }
            VALUE => {
                seen.once(2)?;
                found = value(reader.bytes()?)?;
            }
            _ => return None,
        }
    }
    Some((key, found))
}

/// Whether bytes are UTF-8.
#[inline]
pub fn checked(text: &[u8]) -> Option<()> {
    (text.is_ascii() || from_utf8(text).is_ok()).then_some(())
}

/// Append the text of a value; `None` where it is not certain what Python writes.
#[inline]
pub fn write(out: &mut Vec<u8>, value: &Value) -> Option<()> {
    match *value {
        Value::Nothing => {}
        Value::Text(text) => out.extend_from_slice(text),
        Value::Bool(yes) => out.extend_from_slice(truth(yes)),
        Value::Int(number) => integer(out, number),
        Value::Double(number) => double(out, number)?,
        Value::Bytes(bytes) => base64(out, bytes),
        Value::Array(_) | Value::Map(_) => json(out, value, 0)?,
    }
    Some(())
}

/// Read an `AnyValue` of which one field is set, once.
#[inline]
fn value(data: &[u8]) -> Option<Value<'_>> {
    if data.is_empty() {
        return Some(Value::Nothing);
    }
    let mut reader = Reader::new(data);
    let found = match reader.tag()? {
        STRING => Value::Text(reader.bytes()?),
        BOOL => Value::Bool(match reader.small()? {
            0 => false,
            1 => true,
            _ => return None,
        }),
        INT => Value::Int(reader.number()?.cast_signed()),
        DOUBLE => Value::Double(f64::from_bits(reader.long()?)),
        ARRAY => Value::Array(reader.bytes()?),
        MAP => Value::Map(reader.bytes()?),
        BYTES => Value::Bytes(reader.bytes()?),
        _ => return None,
    };
    reader.is_empty().then_some(found)
}

fn truth(yes: bool) -> &'static [u8] {
    if yes { b"true" } else { b"false" }
}

fn integer(out: &mut Vec<u8>, number: i64) {
    match u8::try_from(number) {
        Ok(digit @ 0..10) => out.push(b'0' + digit),
        _ => print(out, format_args!("{number}")),
    }
}

/// As Go's encoding/json, and the three that JSON lacks by name.
fn double(out: &mut Vec<u8>, number: f64) -> Option<()> {
    one_shortest(number)?;
    let size = number.abs();
    if number.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if size.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else if size == 0.0 || (1e-6..1e21).contains(&size) {
        print(out, format_args!("{number}"));
    } else if size < 1.0 {
        print(out, format_args!("{number:e}"));
    } else {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        print(out, format_args!("{digits}e+{exponent}"));
    }
    Some(())
}

/// `None` when two texts are the shortest and equally near: libraries differ in which they take.
///
/// Then the number has but one digit more than they have, a 5. Decimals of 15 digits are all
/// different numbers, so that such a text has 15 at least.
fn one_shortest(number: f64) -> Option<()> {
    const ODD: usize = 15;
    const MORE: usize = 3;
    if has_one_shortest(number) {
        return Some(());
    }
    let shortest = Digits::of(format_args!("{number:e}"));
    if !number.is_finite() || shortest.count < ODD {
        return Some(());
    }
    let exact = Digits::of(format_args!("{number:.*e}", shortest.count + MORE));
    (exact.last != *b"5000").then_some(())
}

/// Spares nearly all numbers the texts: each bit behind the point is a decimal behind it, and above
/// 1e-5 more than 24 of these are too many for all but one digit to be in the shortest text.
fn has_one_shortest(number: f64) -> bool {
    let (bits, size) = (number.to_bits(), number.abs());
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let behind_point = 1075 - exponent - mantissa.trailing_zeros() as i32;
    let whole = behind_point <= 0 && size < 9e15;
    size == 0.0 || whole || (behind_point > 24 && size >= 1e-5)
}

/// The digits of a mantissa: how many, and the last four, without taking memory.
#[derive(Default)]
struct Digits {
    count: usize,
    last: [u8; 4],
    past: bool,
}

impl Digits {
    fn of(text: std::fmt::Arguments) -> Self {
        let mut digits = Self::default();
        std::fmt::write(&mut digits, text).expect("nothing here can fail");
        digits
    }
}

impl std::fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.past |= byte == b'e';
            if byte.is_ascii_digit() && !self.past {
                self.last.rotate_left(1);
                self.last[3] = byte;
                self.count += 1;
            }
        }
        Ok(())
    }
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let octet = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= three.len() { digit } else { b'=' });
        }
    }
}

/// As Python's `json.dumps` writes it: keys sorted, the last of equal ones, no blanks.
fn json(out: &mut Vec<u8>, value: &Value, depth: u32) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    match *value {
        Value::Nothing => out.extend_from_slice(b"null"),
        Value::Text(text) => quoted(out, from_utf8(text).ok()?),
        Value::Bool(yes) => out.extend_from_slice(truth(yes)),
        Value::Int(number) => integer(out, number),
        Value::Double(number) => json_double(out, number)?,
        Value::Bytes(bytes) => {
            out.push(b'"');
            base64(out, bytes);
            out.push(b'"');
        }
        Value::Array(data) => json_array(out, data, depth)?,
        Value::Map(data) => json_map(out, data, depth)?,
    }
    Some(())
}

fn json_array(out: &mut Vec<u8>, data: &[u8], depth: u32) -> Option<()> {
    out.push(b'[');
    let mut reader = Reader::new(data);
    let mut comma = false;
    while !reader.is_empty() {
        if reader.tag()? != VALUES {
            return None;
        }
        if comma {
            out.push(b',');
        }
        json(out, &value(reader.bytes()?)?, depth + 1)?;
        comma = true;
    }
    out.push(b']');
    Some(())
}

fn json_map(out: &mut Vec<u8>, data: &[u8], depth: u32) -> Option<()> {
    let (mut reader, mut pairs) = (Reader::new(data), Vec::new());
    while !reader.is_empty() {
        if reader.tag()? != VALUES {
            return None;
        }
        let (key, inner) = pair(reader.bytes()?)?;
        let mut text = Vec::new();
        json(&mut text, &inner, depth + 1)?;
        pairs.push((from_utf8(key).ok()?, text));
    }
    // Stable, and code points sort as their UTF-8 does.
    pairs.sort_by_key(|&(key, _)| key);
    out.push(b'{');
    let mut comma = false;
    for (place, (key, text)) in pairs.iter().enumerate() {
        if pairs.get(place + 1).is_some_and(|(next, _)| next == key) {
            continue;
        }
        if comma {
            out.push(b',');
        }
        quoted(out, key);
        out.push(b':');
        out.extend_from_slice(text);
        comma = true;
    }
    out.push(b'}');
    Some(())
}

/// Inside of JSON a double is what Python's `repr` says, which keeps its point.
fn json_double(out: &mut Vec<u8>, number: f64) -> Option<()> {
    one_shortest(number)?;
    let size = number.abs();
    if !number.is_finite() {
        out.push(b'"');
        double(out, number)?;
        out.push(b'"');
    } else if size == 0.0 || (1e-4..1e16).contains(&size) {
        print(out, format_args!("{number:?}"));
    } else {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        print(out, format_args!("{digits}e{sign}{exponent:0>2}"));
    }
    Some(())
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => print(out, format_args!("\\u{byte:04x}")),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn print(out: &mut Vec<u8>, what: std::fmt::Arguments) {
    out.write_fmt(what).expect("memory takes what is written");
}
