"""Small real PNG and JPEG pictures and PDF files, made without an imaging library."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable

from .request import Picture

Colour = tuple[int, int, int]


def picture(spec: str, detail: str = "") -> Picture:
    """The picture that `spec` describes.

    Args:
        spec: A https URL, or `png solid|gradient|checks|bars WxH #rrggbb [#rrggbb] [...]`, or `jpeg gradient ...`.
        detail: OpenAI's `detail`, empty when unsaid.

    Raises:
        ValueError: The spec names no known picture.
    """
    if spec.startswith("https://"):
        return Picture(url=spec, detail=detail)
    form, shape, size, *rest = spec.split()
    width, height = (int(side) for side in size.split("x"))
    colours = [_colour(word) for word in rest if word.startswith("#")]
    extra = [word for word in rest if not word.startswith("#")]
    if form == "jpeg" and shape == "gradient":
        data = jpeg_gradient(width, height, colours[0], colours[1])
        return Picture(media_type="image/jpeg", data=base64.b64encode(data).decode(), detail=detail)
    if form != "png":
        raise ValueError(f"unknown picture `{spec}`")
    data = png(width, height, _pixels(shape, width, height, colours, extra))
    return Picture(media_type="image/png", data=base64.b64encode(data).decode(), detail=detail)


def png(width: int, height: int, pixel_row: Callable[[int], bytes]) -> bytes:
    """A PNG of 8-bit RGB; `pixel_row(y)` gives the `3 * width` bytes of row `y`."""
    raw = b"".join(b"\x00" + pixel_row(y) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_gradient(width: int, height: int, top: Colour, bottom: Colour) -> bytes:
    """A baseline grey JPEG that runs from `top` to `bottom` in steps of 8 rows.

    Each 8x8 block is flat, so only its DC coefficient is coded (ITU T.81, F.1.2.1); the AC table knows nothing but
    end of block.
    """
    columns, rows = -(-width // 8), -(-height // 8)
    bits: list[str] = []
    before = 0
    for row in range(rows):
        share = row / max(1, rows - 1)
        level = round(_grey(top) + (_grey(bottom) - _grey(top)) * share)
        for column in range(columns):
            # A little horizontal movement, so that the rows are not all runs of zero.
            coefficient = max(-128, min(127, level - 128 + (column * 5 + row * 3) % 4))
            bits.append(_dc_code(coefficient - before) + "0")
            before = coefficient
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    # Nine lengths of 4 bits for the DC categories 0..8; the quantiser 8 makes one step of DC one grey level.
    dc_counts = bytes([0, 0, 0, 9] + [0] * 12)
    ac_counts = bytes([1] + [0] * 15)
    segments = (
        (0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
        (0xDB, b"\x00" + bytes([8] * 64)),
        (0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
        (0xC4, b"\x00" + dc_counts + bytes(range(9))),
        (0xC4, b"\x10" + ac_counts + b"\x00"),
        (0xDA, b"\x01\x01\x00\x00\x3f\x00"),
    )
    head = b"".join(b"\xff" + bytes([mark]) + struct.pack(">H", len(data) + 2) + data for mark, data in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def pdf(text: str) -> bytes:
    """A one-page PDF with `text` (Latin-1) set in Helvetica, a line each."""
    lines = []
    for line in text.splitlines():
        safe = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        lines.append(f"({safe}) Tj T*")
    content = ("BT /F1 10 Tf 14 TL 50 790 Td\n" + "\n".join(lines) + "\nET").encode("latin-1", "replace")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length " + str(len(content)).encode() + b" >>\nstream\n" + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, data in enumerate(objects, start=1):
        offsets.append(len(out))
        out += str(number).encode() + b" 0 obj\n" + data + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out += b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n" + str(start).encode() + b"\n%%EOF\n"
    return bytes(out)


def _pixels(shape: str, width: int, height: int, colours: list[Colour], extra: list[str]) -> Callable[[int], bytes]:
    """The function that gives each row of the picture."""
    first, second = colours[0], colours[-1]
    if shape == "solid":
        return lambda _y: bytes(first) * width
    if shape == "gradient":
        return lambda y: bytes(_mix(first, second, y / max(1, height - 1))) * width
    if shape == "checks":
        side = int(extra[0])
        return lambda y: b"".join(bytes((first, second)[(x // side + y // side) % 2]) for x in range(width))
    if shape == "bars":
        values = [int(value) for value in extra[0].split(",")]
        slot, top = width // len(values), max(values)

        def row(y: int) -> bytes:
            out = bytearray()
            for value in values:
                reached = height - y <= value * (height - 8) // top
                out += bytes(first) * (slot // 5) + bytes(second if reached else first) * (slot - slot // 5)
            return bytes(out + bytes(first) * (width - slot * len(values)))

        return row
    raise ValueError(f"unknown shape `{shape}`")


def _colour(word: str) -> Colour:
    return int(word[1:3], 16), int(word[3:5], 16), int(word[5:7], 16)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _grey(colour: Colour) -> float:
    """Luma of ITU-R BT.601, which JFIF uses."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _dc_code(difference: int) -> str:
    """Category in 4 bits, then the value's bits; a negative value is written as its complement to one."""
    size = abs(difference).bit_length()
    if size == 0:
        return "0000"
    value = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:04b}{value:0{size}b}"
