"""Writes the fixtures in this folder with the standard library of Python alone.

python3 make_fixtures.py ROOT [SHARED]

ROOT is the checkout, for the checksums of models/tiny; SHARED a folder with reference/shapes.
The pickles are written by Python's own pickler, with stand-ins for the names of torch.
"""
import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile
import zlib

HERE = pathlib.Path(__file__).parent
CODES = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "I16": "h", "I8": "b",
         "U64": "Q", "U32": "I", "U16": "H", "U8": "B", "BOOL": "?"}
STORAGES = {"F64": "DoubleStorage", "F32": "FloatStorage", "F16": "HalfStorage",
            "BF16": "BFloat16Storage", "I64": "LongStorage", "I32": "IntStorage",
            "I16": "ShortStorage", "I8": "CharStorage", "U8": "ByteStorage",
            "BOOL": "BoolStorage"}
VALUES = {
    "F64": [1.5, -2.25, 1e300, 0.1],
    "F32": [0.0, 1.0, 2.0, 10.0, 11.0, 12.0],
    "F16": [1.0, -0.5, 65504.0, 6e-8],
    "BF16": [1.0, -3.140625, 2.0 ** 100, 0.0],
    "I64": [-1, 2 ** 53 + 1, -2 ** 63, 7],
    "I32": [-1, 16777217, -2 ** 31, 7],
    "I16": [-1, 300, -32768, 7],
    "I8": [-1, 127, -128, 7],
    "U64": [0, 2 ** 64 - 1, 2 ** 63 + 2 ** 39 + 1, 7],
    "U32": [0, 2 ** 32 - 1, 16777219, 7],
    "U16": [0, 65535, 300, 7],
    "U8": [0, 255, 128, 7],
    "BOOL": [True, False, True, True],
}


def encode(dtype, values):
    if dtype == "BF16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack("<%d%s" % (len(values), CODES[dtype]), *values)


def decode(dtype, data):
    if dtype == "BF16":
        return [struct.unpack("<f", b"\0\0" + data[i:i + 2])[0] for i in range(0, len(data), 2)]
    size = struct.calcsize(CODES[dtype])
    return list(struct.unpack("<%d%s" % (len(data) // size, CODES[dtype]), data))


def nearest_float(value):
    """As a decimal that reads back as the same float."""
    try:
        if isinstance(value, bool):
            return float(value)
        if isinstance(value, int):  # Python's int to double to float would round twice
            sign, value = (-1, -value) if value < 0 else (1, value)
            shift = max(0, value.bit_length() - 24)
            low = value & ((1 << shift) - 1)
            value >>= shift
            half = (1 << shift) >> 1
            if low > half or (low == half and low and value & 1):
                value += 1
            return float(sign * (value << shift))
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"


def described(dtype, shape, values):
    stored = decode(dtype, encode(dtype, values))
    return {"type": dtype, "shape": shape, "values": [nearest_float(v) for v in stored]}


def write_json(name, value):
    text = json.dumps(value, indent=1)
    (HERE / name).write_text(text + "\n")


# ---- safetensors: the header's order is not the order of the data
def safetensors():
    header, data, expected = {}, b"", {}
    for dtype in sorted(VALUES):
        raw = encode(dtype, VALUES[dtype])
        shape = [2, len(VALUES[dtype]) // 2]
        header[dtype] = {"dtype": dtype, "shape": shape,
                         "data_offsets": [len(data), len(data) + len(raw)]}
        expected[dtype] = described(dtype, shape, VALUES[dtype])
        data += raw
    end = len(data)
    header["scalar"] = {"dtype": "F32", "shape": [], "data_offsets": [end, end + 4]}
    expected["scalar"] = described("F32", [], [42.0])
    data += encode("F32", [42.0])
    header["empty"] = {"dtype": "F32", "shape": [0, 3], "data_offsets": [end + 4, end + 4]}
    expected["empty"] = described("F32", [0, 3], [])
    shuffled = {"__metadata__": {"format": "pt"}}
    shuffled.update((name, header[name]) for name in sorted(header, reverse=True))
    text = json.dumps(shuffled, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (HERE / "types.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    write_json("types.safetensors.json", expected)


# ---- torch
torch = types.ModuleType("torch")
torch_utils = types.ModuleType("torch._utils")
sys.modules["torch"], sys.modules["torch._utils"] = torch, torch_utils


def stand_in(module, name):
    function = types.FunctionType((lambda *arguments: None).__code__, {}, name)
    function.__module__, function.__qualname__ = module.__name__, name
    setattr(module, name, function)
    return function


REBUILD = stand_in(torch_utils, "_rebuild_tensor_v2")
PARAMETER = stand_in(torch_utils, "_rebuild_parameter")
for storage_name in STORAGES.values():
    setattr(torch, storage_name, type(storage_name, (), {"__module__": "torch"}))


class Storage:
    def __init__(self, key, dtype, values):
        self.key, self.dtype, self.values = key, dtype, values


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.parts = storage, offset, tuple(shape), tuple(strides)

    def __reduce__(self):
        return REBUILD, (*self.parts, False, collections.OrderedDict())

    def described(self):
        storage, offset, shape, strides = self.parts
        positions = [offset]
        for size, stride in zip(shape, strides):
            positions = [p + i * stride for p in positions for i in range(size)]
        return described(storage.dtype, list(shape), [storage.values[p] for p in positions])


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return PARAMETER, (self.tensor, True, collections.OrderedDict())

    def described(self):
        return self.tensor.described()


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            storage_class = getattr(torch, STORAGES[value.dtype])
            return "storage", storage_class, value.key, "cpu", len(value.values)
        return None


def state_dict():
    storages = {d: Storage(str(i), d, VALUES[d]) for i, d in enumerate(STORAGES)}
    matrix = Tensor(storages["F32"], 0, [2, 3], [3, 1])
    cube = Storage("cube", "I16", list(range(24)))
    tensors = collections.OrderedDict()
    tensors["matrix"] = matrix
    tensors["tied"] = matrix
    tensors["transposed"] = Tensor(storages["F32"], 0, [3, 2], [1, 3])
    tensors["second_row"] = Tensor(storages["F32"], 3, [3], [1])
    tensors["second_column"] = Tensor(storages["F32"], 1, [2], [3])
    tensors["permuted"] = Tensor(cube, 0, [4, 2, 3], [1, 12, 4])
    tensors["scalar"] = Tensor(storages["F32"], 5, [], [])
    tensors["empty"] = Tensor(storages["F32"], 0, [0, 3], [3, 1])
    tensors["parameter"] = Parameter(Tensor(storages["F16"], 0, [2, 2], [2, 1]))
    for dtype, storage in storages.items():
        tensors[dtype] = Tensor(storage, 0, [len(VALUES[dtype])], [1])
    tensors._metadata = collections.OrderedDict([("", {"version": 1})])
    return tensors, [*storages.values(), cube]


def torch_files():
    tensors, storages = state_dict()
    write_json("torch.json", {name: t.described() for name, t in tensors.items()})
    for protocol in (2, 4, 5):
        out = io.BytesIO()
        Pickler(out, protocol).dump(tensors)
        with zipfile.ZipFile(HERE / ("protocol%d.bin" % protocol), "w", zipfile.ZIP_STORED) as z:
            def add(name, data):
                with z.open(zipfile.ZipInfo("model/" + name), "w", force_zip64=protocol == 4) as f:
                    f.write(data)
            add("data.pkl", out.getvalue())
            add("byteorder", b"little")
            for storage in storages:
                add("data/" + storage.key, encode(storage.dtype, storage.values))
            add("version", b"3\n")
        if protocol == 2:
            zip64(HERE / "protocol2.bin", HERE / "zip64.bin")


def zip64(source, target):
    """The same archive with every size and offset moved into ZIP64 fields."""
    out, directory, count = bytearray(), bytearray(), 0
    with zipfile.ZipFile(source) as z:
        for info in z.infolist():
            data, name, at = z.read(info), info.filename.encode(), len(out)
            out += struct.pack("<IHHHHHIIIHH", 0x04034b50, 45, 0, 0, 0, 0, info.CRC, 2 ** 32 - 1,
                               2 ** 32 - 1, len(name), 20)
            out += name + struct.pack("<HHQQ", 1, 16, len(data), len(data)) + data
            directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 45, 45, 0, 0, 0, 0,
                                     info.CRC, 2 ** 32 - 1, 2 ** 32 - 1, len(name), 33, 0, 0, 0,
                                     0, 2 ** 32 - 1)
            directory += name + b"\x42\x46\x01\x00x"  # a field that is not ZIP64's comes first
            directory += struct.pack("<HHQQQ", 1, 24, len(data), len(data), at)
            count += 1
    start = len(out)
    out += directory
    record = len(out)
    out += struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, count, count, len(directory),
                       start)
    out += struct.pack("<IIQI", 0x07064b50, 0, record, 1)
    out += struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 2 ** 16 - 1, 2 ** 16 - 1, 2 ** 32 - 1,
                       2 ** 32 - 1, 0)
    target.write_bytes(bytes(out))


# ---- CRC-32 of the values as little-endian floats
def checksum(dtype, shape, data):
    values = decode(dtype, data)
    return [dtype, shape, zlib.crc32(struct.pack("<%df" % len(values), *values))]


def tiny(folder):
    with zipfile.ZipFile(folder / "pytorch_model.bin") as z:
        class Unpickler(pickle.Unpickler):
            def find_class(self, module, name):
                if name == "_rebuild_tensor_v2":
                    return lambda storage, offset, size, *rest: (storage, list(size))
                return collections.OrderedDict if name == "OrderedDict" else name

            def persistent_load(self, id):
                dtype = {v: k for k, v in STORAGES.items()}[id[1]]
                return dtype, z.read("pytorch_model/data/" + id[2])

        state = Unpickler(z.open("pytorch_model/data.pkl")).load()
    return {n: checksum(s[0], shape, s[1]) for n, (s, shape) in state.items()}


def shapes(folder):
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        raw = path.read_bytes()
        start = 8 + struct.unpack("<Q", raw[:8])[0]
        for name, t in json.loads(raw[8:start]).items():
            if name != "__metadata__":
                begin, end = t["data_offsets"]
                found[name] = checksum(t["dtype"], t["shape"], raw[start + begin:start + end])
    return found


def checksums(root, shared):
    found = {"tiny": tiny(root / "models" / "tiny")}
    if shared:
        for folder in sorted((shared / "reference" / "shapes").iterdir()):
            found[folder.name] = shapes(folder)
    lines = ['"%s": {\n%s\n}' % (f, ",\n".join('"%s": %s' % (n, json.dumps(c))
                                               for n, c in tensors.items()))
             for f, tensors in found.items()]
    (HERE / "checksums.json").write_text("{" + ",\n".join(lines) + "}\n")


safetensors()
torch_files()
checksums(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
