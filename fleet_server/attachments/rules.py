"""Pure: which files are taken, and under what name they are shown."""

import re
from enum import StrEnum

SIZE_BYTES_MAX = 10 * 1024 * 1024
"""A photo of a phone has 2 to 5 MB, shrunk ones less; a scanned page as much."""
FORM_BYTES_MAX = SIZE_BYTES_MAX + 64 * 1024
"""A file with the fields and boundaries of its form."""
PER_THING_MAX = 20
"""Attachments of one ticket."""
HEAD_BYTES = 16
"""As much of a file as says what it is."""
NAME_LENGTH_MAX = 120


class MediaType(StrEnum):
    """What may be attached: what a browser shows without running anything of it."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"


_ENDINGS = {
    MediaType.JPEG: ".jpg",
    MediaType.PNG: ".png",
    MediaType.WEBP: ".webp",
    MediaType.PDF: ".pdf",
}
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of text: `gpj.exe` is no `exe.jpg`."""


def sniffed(head: bytes) -> MediaType | None:
    """What a file is by its first bytes; None for everything that may not be attached.

    Sources: ISO/IEC 10918-1 (FF D8 FF), RFC 2083 3.1 (PNG), RFC 9649 2.4 (WebP in RIFF),
    ISO 32000-1 7.5.2 (%PDF-).
    """
    if head.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaType.WEBP
    return MediaType.PDF if head.startswith(b"%PDF-") else None


def shown_name(given: str, media_type: MediaType) -> str:
    """Name to show and save under: of the given one no folder, and the ending the bytes have."""
    last = re.split(r"[/\\]", given)[-1]
    stem = _UNSHOWABLE.sub("", last).rsplit(".", 1)[0].strip(" .") or "attachment"
    ending = _ENDINGS[media_type]
    return stem[: NAME_LENGTH_MAX - len(ending)] + ending
