#!/usr/bin/env python3
"""Makes the seeds: inputs that reach what the fuzzer would take long to find. Run it in this folder, it overwrites them."""

import json
import os
import random
import struct


def seed(target, name, data):
    os.makedirs(target, exist_ok=True)
    with open(os.path.join(target, name), "wb") as file:
        file.write(data)


def replies():
    crlf = b"\r\n"
    look_ups = b"VA 3 t60 O1\r\na\r\n\r\nEN O2\r\nVA 1 t-1 W O3\r\nx\r\n"
    seed("server_replies", "memcached_values", bytes([0, 2, 0]) + look_ups)
    seed("server_replies", "memcached_refused", bytes([0, 1, 3]) + b"SERVER_ERROR no\r\nEN O2\r\n")
    seed("server_replies", "memcached_removed", bytes([1, 2, 1]) + b"HD O1\r\nNF O2\r\nHD O3\r\n")
    seed("server_replies", "memcached_written", bytes([2, 0, 0]) + b"HD O1\r\n")
    seed("server_replies", "memcached_greeting", bytes([3, 0, 0]) + b"MN\r\nVERSION 1.6.18\r\n")
    seed("server_replies", "redis_expiring", bytes([4, 1, 0]) + b"$1\r\na\r\n:-1\r\n$-1\r\n:-2\r\n")
    seed("server_replies", "redis_values", bytes([5, 1, 0]) + b"*2\r\n$1\r\na\r\n$-1\r\n")
    seed("server_replies", "redis_fields", bytes([6, 1, 0]) + b"*2\r\n$1\r\na\r\n$-1\r\n")
    seed("server_replies", "redis_flags", bytes([7, 1, 0]) + b":1\r\n:0\r\n")
    seed("server_replies", "redis_written", bytes([9, 1, 0]) + b"+OK\r\n+OK\r\n")
    page = b"*2\r\n$1\r\n7\r\n*2\r\n$3\r\np:1\r\n$2\r\nzz\r\n"
    seed("server_replies", "redis_pages", bytes([10, 0, 0]) + page + page.replace(b"7", b"0"))
    map_ = b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n"
    moved = b"-MOVED 12182 127.0.0.1:2\r\n"
    ask = b"-ASK 12182 :3\r\n"
    seed("server_replies", "cluster", bytes([11, 1, 0]) + map_ + b"$1\r\na\r\n$-1\r\n")
    way = map_ + moved + ask + b"+OK\r\n$1\r\na\r\n"
    seed("server_replies", "cluster_moved", bytes([11, 0, 0]) + way)
    # The map is not learned anew at once, so all that follow are answers to the command.
    seed("server_replies", "cluster_for_ever", bytes([11, 0, 0]) + map_ + moved * 12)


def values():
    order = {
        "id": 7,
        "owner": {"Company": {"name": "x", "number": 1}},
        "lines": [["a", 1, 0.5]],
        "notes": {"n": ["m"]},
        "paid": {"secs": 1, "nanos": 2},
    }
    tree = {"name": "a", "branches": [{"name": "b", "branches": []}]}
    some = {
        0: order,
        1: [order],
        2: {"kind": "seen", "at": 1, "by": ["x"]},
        3: {"a": [1, True, "x", {"b": []}]},
        4: tree,
        5: [[[]], []],
        6: "text \u00e9",
        7: [1, 2, 255],
        8: {"1": [1, -2]},
        9: [0.5, 1e300, 1 << 100, -(1 << 100), "c", None],
        10: [[1, 2, 3, 4]] * 3,
        11: {"Ok": "127.0.0.1"},
        12: [None, None],
        13: [[1] * 16],
    }
    for kind, value in some.items():
        seed("coder_decode", f"json_{kind}", bytes([128 | kind]) + json.dumps(value).encode())
        if kind == 8:
            value = {1: [1, -2]}
        seed("coder_decode", f"cbor_{kind}", bytes([kind]) + cbor(value))
        seed("coder_decode", f"message_pack_{kind}", bytes([16 | kind]) + message_pack(value))
    # Lists that announce more than comes, one within the other, and what is deep.
    huge = b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff"
    seed("coder_decode", "cbor_announced", bytes([7]) + huge)
    seed("coder_decode", "cbor_announced_deep", bytes([5]) + huge * 70)
    seed("coder_decode", "cbor_announced_text", bytes([6]) + b"\x7b\x00\x00\x00\xff\xff\xff\xff\xff")
    seed("coder_decode", "cbor_deep", bytes([3]) + b"\x81" * 200)
    seed("coder_decode", "cbor_tags", bytes([3]) + b"\xc1" * 200)
    seed("coder_decode", "cbor_endless", bytes([3]) + b"\x9f\x7f\x61a\xff\xff")
    seed("coder_decode", "json_deep", bytes([131]) + b"[" * 300)
    # As it is written then, -6.1e30, a careless reader takes it for its neighbour.
    seed("coder_decode", "json_fraction", bytes([137]) + b'[0,-6100000000000000000000488434936,0,0,"c",null]')
    # For values that are made of bytes.
    dice = random.Random(8)
    for kind in range(16):
        data = bytes(dice.choice([0, 1, 2, 3, 97, 127, 128, 255]) for _ in range(120))
        seed("coder_encode", f"kind_{kind}", bytes([kind]) + data)


def cbor(value):
    """What ciborium would write, of the kinds of values above."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, int):
        tag, size = (0x00, value) if value >= 0 else (0x20, -1 - value)
        if size >= 1 << 64:
            digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
            return (b"\xc3" if tag else b"\xc2") + head(0x40, len(digits)) + digits
        return head(tag, size)
    if isinstance(value, str):
        return head(0x60, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(0x80, len(value)) + b"".join(map(cbor, value))
    pairs = b"".join(cbor(key) + cbor(item) for key, item in value.items())
    return head(0xA0, len(value)) + pairs


def message_pack(value):
    """What rmp-serde would write, of the kinds of values above."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, int):
        if abs(value) >= 1 << 63:
            return b"\xc4\x10" + value.to_bytes(16, "big", signed=True)
        return bytes([value]) if 0 <= value < 128 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value.encode())]) + value.encode()
    if isinstance(value, list):
        return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(message_pack, value))
    pairs = b"".join(message_pack(key) + message_pack(item) for key, item in value.items())
    return bytes([0x80 | len(value)]) + pairs


def nameless():
    """Postcard: an order, a tree, numbers; what nests, and what announces more than comes."""
    order = b"\x07\x01\x02\x01x\x01\x01\x01a\x02" + struct.pack("<d", 0.5) + b"\x01\x01n\x01\x01m\x01\x01\x02"
    seed("coder_decode", "postcard_order", bytes([32]) + order)
    seed("coder_decode", "postcard_tree", bytes([36]) + b"\x01a\x01\x01b\x00")
    seed("coder_decode", "postcard_nest", bytes([37]) + b"\x02\x01\x00\x00")
    seed("coder_decode", "postcard_deep", bytes([37]) + b"\x01" * 200)
    for kind in [33, 38, 39, 40, 44, 45]:
        seed("coder_decode", f"postcard_announced_{kind}", bytes([kind]) + b"\xff" * 9 + b"\x01")
    # Enums and options that nest without lists, and a list that announces more than comes.
    seed("coder_decode", "message_pack_deep", bytes([21]) + b"\x91" * 200)
    seed("coder_decode", "message_pack_announced", bytes([23]) + b"\xdd\xff\xff\xff\xff")


def packed():
    """The kind of work, then a frame or a value."""
    lz4 = b"\xffrp\x01" + struct.pack("<I", 1000) + b"\x1f\x00\x01\x00\xff\xff\xff\xd4\x50" + b"\x00" * 5
    seed("coder_packed", "lz4", bytes([0]) + lz4)
    seed("coder_packed", "lz4_bomb", bytes([0]) + lz4[:4] + struct.pack("<I", 64 << 20) + lz4[8:])
    seed("coder_packed", "zstd_bomb", bytes([1]) + b"\x02" + struct.pack("<I", 64 << 20) + b"\x28\xb5\x2f\xfd\x00\x58\x03\x00\x10\x00")
    seed("coder_packed", "verbatim", bytes([1]) + b"\x00\xffrp\x00")
    seed("coder_packed", "value", bytes([2 | 40 << 2]) + b"a text that repeats, ")
    seed("coder_packed", "marked", bytes([3]) + b"\x01\x02\x03")


def sealed():
    dice = random.Random(8)
    for length in [0, 20, 60, 150]:
        seed("coder_sealed", f"bytes_{length}", bytes(dice.randrange(256) for _ in range(length)))


def head(kind, size):
    if size < 24:
        return bytes([kind | size])
    if size < 256:
        return bytes([kind | 24, size])
    if size < 1 << 32:
        return bytes([kind | 26]) + struct.pack(">I", size)
    return bytes([kind | 27]) + struct.pack(">Q", size)


def operations():
    """Each policy, one shard and many, small and large: filled, used, expired, and filled again."""
    dice = random.Random(6)
    for size, shape in [(3, 0), (15, 1), (15, 9), (70, 2), (70, 10), (255, 3), (255, 11), (200, 0xF7), (200, 0xFF), (9, 0x75)]:
        data = bytes([size, shape]) + struct.pack("<BHB", 13, 0, 255)
        for _ in range(24):
            time = dice.choice([0, 1, 2, 5, 9, 253, 254, 255])
            data += struct.pack("<BHB", dice.randrange(16), dice.randrange(300), time)
        seed("lru_ops", f"{size}_{shape}", data)


def keys():
    dice = random.Random(7)
    structure = b"a:%+,'\"\\()[]=b 3A"
    for target, kinds in [("key_round_trip", 16), ("key_injective", 24)]:
        for kind in range(kinds):
            text = bytes(dice.choice(structure) for _ in range(24))
            numbers = bytes(dice.choice([0, 1, 2, 3, 127, 255]) for _ in range(24))
            data = bytes([kind, dice.randrange(48), 1]) + text + numbers + bytes([4, 3, 2, 1])
            seed(target, f"kind_{kind}", data)
    # `Some(Ok(0.0))` beside `Some(Ok(-0.0))`, and a NaN beside another.
    seed("key_round_trip", "zeros", bytes([14, 9, 128, 1, 1]) + struct.pack("<d", 0.0))
    seed("key_round_trip", "nans", bytes([14, 9, 128, 1, 1]) + struct.pack("<d", float("nan")))


def changes():
    """Five bytes each: where (three), what is done, and with what."""
    seed("disk_file", "nothing", bytes([0]))
    seed("disk_file", "nothing_open", bytes([1]))
    for name, which, where, what, with_ in [
        ("read_only", 0, 18, 3, 7),
        ("application", 0, 68, 0, 1),
        ("free_pages", 0, 36, 3, 255),
        ("schema", 0, 3000, 4, 0),
        ("page", 0, 4096 * 3, 7, 2),
        ("short", 0, 4096 * 5 + 77, 5, 0),
        ("long", 0, 0, 6, 90),
        ("log_header", 1, 8, 128, 1),
        ("log_frame", 1, 4000, 128, 2),
        ("log_short", 1, 9000, 133, 0),
    ]:
        data = bytes([which]) + where.to_bytes(3, "little") + bytes([what, with_])
        seed("disk_file", name, data)


replies()
values()
nameless()
packed()
sealed()
operations()
keys()
changes()
