"""What may be wrong with a file: cut, changed, something else altogether, or more than it seems."""

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

Damage = Callable[[bytes, random.Random], bytes]
NPY = np.lib.format


def cut(share: float) -> Damage:
    """The beginning alone."""
    return lambda content, _: content[: int(share * len(content))]


def flipped(count: int) -> Damage:
    """With some bits that are others."""

    def damage(content: bytes, rng: random.Random) -> bytes:
        changed = bytearray(content)
        for _ in range(count if changed else 0):
            changed[rng.randrange(min(len(changed), 4096))] ^= 1 << rng.randrange(8)
        return bytes(changed)

    return damage


def noise(content: bytes, rng: random.Random) -> bytes:
    """Anything, of the same length."""
    return rng.randbytes(len(content))


def said(content: bytes) -> Damage:
    """Something else altogether."""
    return lambda _content, _rng: content


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    """An `.npy` file that claims a shape, and has no content."""
    file = io.BytesIO()
    NPY.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def archive(**members: bytes) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "."), content)
    return file.getvalue()


def png(edge: int) -> bytes:
    """An image that claims so many pixels of an edge, all of them black."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    size = struct.pack(">IIBBBBB", edge, edge, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def nifti(edge: int) -> bytes:
    """A compressed volume that claims so many voxels of an edge."""
    made = nibabel.Nifti1Image(np.zeros((1, 1, 1), np.float32), np.eye(4)).header
    made.set_data_shape((edge, edge, edge))
    return gzip.compress(made.binaryblock + bytes(4) + bytes(100))


OTHERS = ("gone", "a folder", "a link to itself")
DAMAGES: dict[str, Damage] = {
    **{f"cut to {share:.0%}": cut(share) for share in (0, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 0.99)},
    **{f"{count} bits": flipped(count) for count in (1, 3, 10, 30, 100, 300)},
    "noise": noise,
    "twice": lambda content, _: content + content,
    "text": said(b"no such thing"),
    "zeros": lambda content, _: bytes(len(content)),
    "nested JSON": said(b"[" * 100_000),
    "nested objects": said(b'{"a":' * 100_000),
    "numbers": said(b"7"),
    "list": said(b"[1, 2, 3]"),
    "null": said(b"null"),
    "huge number": said(b"1" + b"0" * 5000),
    "surrogates": said(b'{"training": "\\ud800"}'),
    "wrong UTF-8": said(b"file,label\n\xff\xfe\xfd,\x80\n"),
    "zero bytes": said(b"file,label\n\0\0\0,\0\n"),
    "long cell": said(b"file,label\n" + b"x" * 200_000 + b",normal\n"),
    "quotes": said(b'file,label\n"a,b\n'),
    "PNG of 60,000 pixels": said(png(60_000)),
    "PNG of 2 billion": said(png(2**31 - 1)),
    "PNG of no size": said(png(0)),
    "npy of 50 GB": said(header((12_500, 1000, 1000))),
    "npy of negative size": said(header((40, 6)).replace(b"(40, 6)", b"(-1, 6)")),
    "npy with code": said(header((40, 6)).replace(b"'<f4'", b"exit()")),
    "npz that claims 50 GB": said(
        archive(
            **{f"{split}_{part}__npy": header((12_500, 1000, 1000)) for split in ("train", "val", "test")
               for part in ("images", "labels")},
            train__npy=header((12_500, 1000, 1000)),
        )
    ),
    "empty zip": said(archive()),
    "zip of others": said(archive(a__txt=b"a")),
    "NIfTI of 50 GB": said(nifti(2300)),
    "gzip": said(gzip.compress(bytes(1000))),
}  # fmt: skip


def spoil(path: Path, name: str, rng: random.Random) -> None:
    """Damage a file."""
    if name in DAMAGES:
        path.write_bytes(DAMAGES[name](path.read_bytes(), rng))
        return
    path.unlink()
    if name == "a folder":
        path.mkdir()
    elif name == "a link to itself":
        path.symlink_to(path.name)
