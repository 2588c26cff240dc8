//! Arrow's C data interface: arrays that Python takes over without a copy.

use std::ffi::c_void;
use std::ptr;

/// Memory of an array.
pub enum Buffer {
    /// Texts one after another.
    Bytes(Vec<u8>),
    /// Offsets, or places in a dictionary.
    Words(Vec<i32>),
    /// Times, durations.
    Longs(Vec<u64>),
}

/// An array without nulls, with all that belongs to it.
pub struct Node {
    length: usize,
    /// The first, which would say what is null, is left out.
    buffers: Vec<Buffer>,
    children: Vec<Node>,
    dictionary: Option<Box<Node>>,
}

impl Node {
    /// Numbers of 64 bits.
    pub fn longs(numbers: Vec<u64>) -> Self {
        Self::plain(numbers.len(), vec![Buffer::Longs(numbers)], vec![])
    }

    /// Texts, each from one offset to the next.
    pub fn texts(offsets: Vec<i32>, data: Vec<u8>) -> Self {
        let buffers = vec![Buffer::Words(offsets), Buffer::Bytes(data)];
        Self::plain(Self::items(&buffers), buffers, vec![])
    }

    /// Lists; a map is a list of structures of key and value.
    pub fn lists(offsets: Vec<i32>, values: Node) -> Self {
        let buffers = vec![Buffer::Words(offsets)];
        Self::plain(Self::items(&buffers), buffers, vec![values])
    }

    /// Structures of arrays that are equally long.
    pub fn structures(length: usize, fields: Vec<Node>) -> Self {
        Self::plain(length, vec![], fields)
    }

    /// Places in a dictionary.
    pub fn places(places: Vec<i32>, dictionary: Node) -> Self {
        let mut node = Self::plain(places.len(), vec![Buffer::Words(places)], vec![]);
        node.dictionary = Some(Box::new(dictionary));
        node
    }

    /// How many elements it has.
    pub fn length(&self) -> usize {
        self.length
    }

    fn plain(length: usize, buffers: Vec<Buffer>, children: Vec<Node>) -> Self {
        Self { length, buffers, children, dictionary: None }
    }

    fn items(buffers: &[Buffer]) -> usize {
        match buffers.first() {
            Some(Buffer::Words(offsets)) => offsets.len().saturating_sub(1),
            _ => 0,
        }
    }
}

/// The structure of Arrow's C data interface.
#[repr(C)]
pub struct ArrowArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut ArrowArray,
    dictionary: *mut ArrowArray,
    release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    private_data: *mut c_void,
}

/// What an exported array points to, until it is released.
struct Owned {
    _buffers: Vec<Buffer>,
    pointers: Vec<*const c_void>,
    children: Vec<*mut ArrowArray>,
    dictionary: *mut ArrowArray,
}

/// What an empty buffer points to: aligned for all.
static NOTHING: u64 = 0;

impl From<Node> for ArrowArray {
    fn from(node: Node) -> Self {
        let boxed = |inner: Node| Box::into_raw(Box::new(Self::from(inner)));
        let pointers = std::iter::once(ptr::null()).chain(node.buffers.iter().map(address));
        let mut owned = Box::new(Owned {
            pointers: pointers.collect(),
            children: node.children.into_iter().map(boxed).collect(),
            dictionary: node.dictionary.map_or(ptr::null_mut(), |inner| boxed(*inner)),
            _buffers: node.buffers,
        });
        Self {
            length: node.length as i64,
            null_count: 0,
            offset: 0,
            n_buffers: owned.pointers.len() as i64,
            n_children: owned.children.len() as i64,
            buffers: owned.pointers.as_mut_ptr(),
            children: owned.children.as_mut_ptr(),
            dictionary: owned.dictionary,
            release: Some(release),
            private_data: Box::into_raw(owned).cast(),
        }
    }
}

fn address(buffer: &Buffer) -> *const c_void {
    let (empty, start) = match buffer {
        Buffer::Bytes(data) => (data.is_empty(), data.as_ptr().cast()),
        Buffer::Words(data) => (data.is_empty(), data.as_ptr().cast()),
        Buffer::Longs(data) => (data.is_empty(), data.as_ptr().cast()),
    };
    if empty { (&raw const NOTHING).cast() } else { start }
}

impl Drop for ArrowArray {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: it was not released yet, or `release` would be none.
            unsafe { release(self) }
        }
    }
}

/// Give back all that an array owns; the consumer calls it, once.
///
/// # Safety
///
/// The array must be one that was made here and not yet released, though it may have moved.
#[allow(unsafe_code)]
unsafe extern "C" fn release(array: *mut ArrowArray) {
    // SAFETY: the caller's promise; `private_data` and all children are boxes made above. A child
    // whose content the consumer moved away has no `release` any more, and nothing to drop.
    unsafe {
        (*array).release = None;
        let owned = Box::from_raw((*array).private_data.cast::<Owned>());
        for &child in owned.children.iter().chain(Some(&owned.dictionary)) {
            if !child.is_null() {
                drop(Box::from_raw(child));
            }
        }
    }
}
