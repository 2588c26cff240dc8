//! Protobuf's wire format, as every library writes it; whatever else it allows is `None`.

/// Reads the fields of one message, or of anything else that stands in its bytes.
pub struct Reader<'a> {
    left: &'a [u8],
}

/// Which fields of a message came already: a field that comes twice is not read here.
#[derive(Default)]
pub struct Seen(u32);

impl Seen {
    /// `None` when the field (below 32) came before.
    #[inline]
    pub fn once(&mut self, field: u32) -> Option<()> {
        let bit = 1 << field;
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new.then_some(())
    }

    /// Whether the field came.
    pub fn has(&self, field: u32) -> bool {
        self.0 & (1 << field) != 0
    }
}

/// The tag of a varint field.
pub const fn varint(field: u32) -> u32 {
    field << 3
}

/// The tag of a field of 64 bits.
pub const fn fixed64(field: u32) -> u32 {
    field << 3 | 1
}

/// The tag of a text, of bytes, or of a message.
pub const fn sized(field: u32) -> u32 {
    field << 3 | 2
}

/// The tag of a field of 32 bits.
pub const fn fixed32(field: u32) -> u32 {
    field << 3 | 5
}

impl<'a> Reader<'a> {
    /// Begin at the first byte.
    #[inline]
    pub fn new(data: &'a [u8]) -> Self {
        Self { left: data }
    }

    /// Whether all was read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next field's number and kind, as `varint` and its like make it; two bytes at most.
    #[inline]
    pub fn tag(&mut self) -> Option<u32> {
        let low = self.byte()?;
        if low < 0x80 {
            return Some(low);
        }
        let high = self.byte()?;
        (1..0x80).contains(&high).then_some(low & 0x7f | high << 7)
    }

    /// A number of up to 64 bits, written in as few bytes as it needs.
    #[inline]
    pub fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        self.long_number(u64::from(first & 0x7f))
    }

    /// A number of one byte: all that an enumeration of OpenTelemetry needs.
    #[inline]
    pub fn small(&mut self) -> Option<u32> {
        self.byte().filter(|&byte| byte < 0x80)
    }

    /// A number of up to 32 bits.
    pub fn number32(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// What is preceded by its length.
    #[inline]
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (taken, left) = self.left.split_at_checked(length)?;
        self.left = left;
        Some(taken)
    }

    /// Eight bytes, the lowest first.
    #[inline]
    pub fn long(&mut self) -> Option<u64> {
        let (taken, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(u64::from_le_bytes(*taken))
    }

    /// Four bytes, the lowest first.
    #[inline]
    pub fn word(&mut self) -> Option<u32> {
        let (taken, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(u32::from_le_bytes(*taken))
    }

    #[inline]
    fn byte(&mut self) -> Option<u32> {
        let (&first, left) = self.left.split_first()?;
        self.left = left;
        Some(u32::from(first))
    }

    fn long_number(&mut self, mut number: u64) -> Option<u64> {
        for place in 1..10 {
            let byte = u64::from(self.byte()?);
            number |= (byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                // A last byte of 0 is padding; the tenth has room for one bit.
                return (byte != 0 && (place < 9 || byte == 1)).then_some(number);
            }
        }
        None
    }
}
