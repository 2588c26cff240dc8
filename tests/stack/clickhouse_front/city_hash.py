"""CityHash128 as of version 1.0.2: the checksum of ClickHouse's compressed frames.

Written after Google's city.cc (MIT licence). Later versions of CityHash give other numbers.
Pure Python, about 1 us per byte: for answers of a test server, which are short.
"""

from __future__ import annotations

import struct

_MASK = (1 << 64) - 1
_K0, _K1 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273
_K2, _K3 = 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
_MULTIPLIER = 0x9DDFEA08EB382D69

Pair = tuple[int, int]


def city_hash_128(data: bytes) -> Pair:
    """Return the low and the high half."""
    size = len(data)
    if size >= 16:
        return _seeded(data[16:], (_word(data, 0) ^ _K3, _word(data, 8)))
    if size >= 8:
        return _seeded(b"", (_word(data, 0) ^ (size * _K0 & _MASK), _word(data, size - 8) ^ _K1))
    return _seeded(data, (_K0, _K1))


def _seeded(data: bytes, seed: Pair) -> Pair:
    return _murmur(data, seed) if len(data) < 128 else _long(data, seed)


def _murmur(data: bytes, seed: Pair) -> Pair:
    a, b = seed
    size = len(data)
    if size <= 16:
        a = _mixed(a * _K1 & _MASK) * _K1 & _MASK
        c = (b * _K1 + _short(data)) & _MASK
        d = _mixed(a + (_word(data, 0) if size >= 8 else c) & _MASK)
    else:
        c = _pair(_word(data, size - 8) + _K1 & _MASK, a)
        d = _pair(b + size & _MASK, c + _word(data, size - 16) & _MASK)
        a = a + d & _MASK
        for place in range(0, size - 16, 16):
            a = (a ^ _mixed(_word(data, place) * _K1 & _MASK) * _K1) * _K1 & _MASK
            b ^= a
            c = (c ^ _mixed(_word(data, place + 8) * _K1 & _MASK) * _K1) * _K1 & _MASK
            d ^= c
    a, b = _pair(a, c), _pair(d, b)
    return a ^ b, _pair(b, a)


def _long(data: bytes, seed: Pair) -> Pair:
    size = len(data)
    x, y = seed
    z = size * _K1 & _MASK
    v0 = _rotated(y ^ _K1, 49) * _K1 + _word(data, 0) & _MASK
    v = (v0, _rotated(v0, 42) * _K1 + _word(data, 8) & _MASK)
    w = (
        _rotated(y + z & _MASK, 35) * _K1 + x & _MASK,
        _rotated(x + _word(data, 88) & _MASK, 53) * _K1 & _MASK,
    )
    place = 0
    while size - place >= 128:
        for start in (place, place + 64):
            x, y, z, v, w = _round(data, start, x, y, z, v, w)
        place += 128
    left = size - place
    y = (y + _rotated(w[0], 37) * _K0 + z) & _MASK
    x = (x + _rotated(v[0] + z & _MASK, 49) * _K0) & _MASK
    for done in range(32, left + 32, 32):
        end = size - done
        y = (_rotated(y - x & _MASK, 42) * _K0 + v[1]) & _MASK
        w = (w[0] + _word(data, end + 16) & _MASK, w[1])
        x = (_rotated(x, 49) * _K0 + w[0]) & _MASK
        w = (w[0] + v[0] & _MASK, w[1])
        v = _weak(data, end, v[0], v[1])
    x, y = _pair(x, v[0]), _pair(y, w[0])
    return _pair(x + v[1] & _MASK, w[1]) + y & _MASK, _pair(x + w[1] & _MASK, y + v[1] & _MASK)


def _round(
    data: bytes, at: int, x: int, y: int, z: int, v: Pair, w: Pair
) -> tuple[int, int, int, Pair, Pair]:
    x = _rotated(x + y + v[0] + _word(data, at + 16) & _MASK, 37) * _K1 & _MASK
    y = _rotated(y + v[1] + _word(data, at + 48) & _MASK, 42) * _K1 & _MASK
    x ^= w[1]
    y ^= v[0]
    z = _rotated(z ^ w[0], 33)
    v = _weak(data, at, v[1] * _K1 & _MASK, x + w[0] & _MASK)
    w = _weak(data, at + 32, z + w[1] & _MASK, y)
    return z, y, x, v, w


def _weak(data: bytes, at: int, a: int, b: int) -> Pair:
    one, two, three, four = struct.unpack_from("<4Q", data, at)
    a = a + one & _MASK
    b = _rotated(b + a + four & _MASK, 21)
    c = a
    a = a + two + three & _MASK
    return a + four & _MASK, b + _rotated(a, 44) + c & _MASK


def _short(data: bytes) -> int:
    size = len(data)
    if size > 8:
        a, b = _word(data, 0), _word(data, size - 8)
        turned = b + size & _MASK
        return _pair(a, _rotated(turned, size)) ^ b
    if size >= 4:
        first, last = (
            struct.unpack_from("<I", data, 0)[0],
            struct.unpack_from("<I", data, size - 4)[0],
        )
        return _pair(size + (first << 3) & _MASK, last)
    if size:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[size - 1] << 2)
        return _mixed(y * _K2 ^ z * _K3 & _MASK) * _K2 & _MASK
    return _K2


def _pair(low: int, high: int) -> int:
    a = (low ^ high) * _MULTIPLIER & _MASK
    b = (high ^ a ^ a >> 47) * _MULTIPLIER & _MASK
    return (b ^ b >> 47) * _MULTIPLIER & _MASK


def _mixed(word: int) -> int:
    word &= _MASK
    return word ^ word >> 47


def _rotated(word: int, by: int) -> int:
    return (word >> by | word << 64 - by) & _MASK


def _word(data: bytes, at: int) -> int:
    found: int = struct.unpack_from("<Q", data, at)[0]
    return found
