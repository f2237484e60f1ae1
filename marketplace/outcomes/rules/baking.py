"""A certificate's badge as a picture that carries its credential: "baked", as Open Badges 3.0 has it.

Section 5.3.2 (SVG): the credential stands right after the `svg` tag, once, and as it is signed it is
the value of `verify`. Section 5.3.1 (PNG): it is the text of one `iTXt` chunk under the keyword
`openbadgecredential`, not compressed, without language or translation. The picture says what was achieved, who says so and when, and names nobody:
people put it on pages for everybody to see.
"""

import zlib
from datetime import date
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
SIDE = 512
LINE = 34
# About as many letters as the inner circle is wide.
WIDEST = 22
MOST_LINES = 4
PNG = b"\x89PNG\r\n\x1a\n"
# Length, type, thirteen bytes, CRC.
HEADER_CHUNK = 25
KEYWORD = b"openbadgecredential"
PICTURE = "badge"


def svg(name: str, issuer: str, issued_on: date, credential: str) -> str:
    """Return a badge of `name`, issued by `issuer`, with `credential`, a compact JWS, baked in."""
    lines, lower = words_of(name, issuer, issued_on)
    top = SIDE / 2 - LINE * (len(lines) - 1) / 2
    words = "".join(
        f'<text x="256" y="{top + LINE * n:g}" font-size="28" font-weight="bold">'
        f"{escape(line)}</text>"
        for n, line in enumerate(lines)
    )
    below = "".join(
        f'<text x="256" y="{372 + 22 * n}" font-size="17">{escape(line)}</text>'
        for n, line in enumerate(lower)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="{NAMESPACE}"'
        f' viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label={quoteattr(f"{name}, {issuer}")}>\n'
        f"<openbadges:credential verify={quoteattr(credential)}></openbadges:credential>\n"
        '<circle cx="256" cy="256" r="248" fill="#0b4f6c"/>'
        '<circle cx="256" cy="256" r="224" fill="#ffffff"/>'
        '<path d="M232 96h48v40h40v48h-40v40h-48v-40h-40v-48h40z" fill="#0b4f6c"'
        ' transform="translate(128 48) scale(.5)"/>'
        '<g font-family="Helvetica, Arial, sans-serif" text-anchor="middle" fill="#12303b">'
        f"{words}{below}</g>\n</svg>\n"
    )


def png(picture: bytes, credential: str) -> bytes:
    """Return a PNG with `credential`, a compact JWS, baked in, right after its header.

    `ValueError` for what is no PNG. A chunk is its length, its type, its data, and a CRC-32 of the
    last two (PNG, third edition, 5.3 and 11.3.3.4).
    """
    end = len(PNG) + HEADER_CHUNK
    if not picture.startswith(PNG) or picture[len(PNG) + 4 : len(PNG) + 8] != b"IHDR":
        raise ValueError("not a PNG")
    # Keyword; no compression, by no method; no language tag; no translated keyword.
    data = KEYWORD + b"\0" + b"\0\0" + b"\0" + b"\0" + credential.encode()
    body = b"iTXt" + data
    chunk = len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return picture[:end] + chunk + picture[end:]


def words_of(name: str, issuer: str, issued_on: date) -> tuple[list[str], list[str]]:
    """Return the lines of a badge: what was achieved, and below who says so and when."""
    lower = [*wrapped(issuer, 2 * WIDEST)[:2], issued_on.isoformat()]
    return wrapped(name, WIDEST)[:MOST_LINES], lower


def wrapped(text: str, width: int) -> list[str]:
    """Break `text` between words into lines of at most `width` letters; a longer word stays whole."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
