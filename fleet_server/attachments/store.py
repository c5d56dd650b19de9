"""The folder of files, each under the hash of its bytes.

Split from `service.py`: it is about files, not about rows. A file is written to a temporary one,
forced to disk and renamed, so a name stands only for whole content; the row comes after it. What
a failed transaction leaves behind nobody names: a sweep takes it away. Many processes share the
folder (where they run on several machines, a shared one).
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from fleet_server.attachments.errors import FileTooLargeError, MediaRefusedError
from fleet_server.attachments.rules import HEAD_BYTES, SIZE_BYTES_MAX, MediaType, sniffed

CHUNK_BYTES = 64 * 1024
INCOMING = "incoming"
GONE = ".gone"
FILES_MAX = 500
"""Files of one folder a sweep looks at: some 10 ms."""


@dataclass(frozen=True)
class StoredFile:
    """What was stored."""

    sha256: str
    size_bytes: int
    media_type: MediaType


class AttachmentFolder:
    """Files by hash, in 256 folders by its first byte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, sha256: str) -> Path:
        """Where the bytes of this hash are."""
        return self._folder / sha256[:2] / sha256

    def store(self, source: BinaryIO, now: datetime) -> StoredFile:
        """Store all of `source`. Raises FileTooLargeError, MediaRefusedError.

        `now` becomes the file's time: by it the sweep knows what is too young to be an orphan.
        """
        incoming = self._folder / INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=incoming)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                stored = _copied(source, target)
                target.flush()
                os.fsync(target.fileno())
            os.utime(temporary, (now.timestamp(), now.timestamp()))
            self._rename(temporary, self.path_of(stored.sha256))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return stored

    def drop_orphans(
        self, folder: str, before: datetime, named: Callable[[Collection[str]], set[str]]
    ) -> int:
        """Remove files of one folder that are older than that and that no row names.

        First put aside, then asked once more: a row that appeared meanwhile gets its file back.
        """
        old = {path.stem: path for path in _older(self._folder / folder, before)}
        known = named(old.keys())
        removed = 0
        for sha256, path in sorted(old.items()):
            if sha256 in known and path.suffix != GONE:
                continue
            aside = path.with_suffix(GONE)
            path.rename(aside)
            if named([sha256]):
                aside.rename(path.with_suffix(""))
                continue
            aside.unlink()
            removed += 1
        return removed

    def drop_unfinished(self, before: datetime) -> None:
        """Remove what a killed process left in the middle of writing or of removing."""
        for path in _older(self._folder / INCOMING, before):
            path.unlink(missing_ok=True)

    def _rename(self, temporary: Path, target: Path) -> None:
        target.parent.mkdir(exist_ok=True)
        temporary.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _copied(source: BinaryIO, target: BinaryIO) -> StoredFile:
    digest, size, media_type = hashlib.sha256(), 0, None
    while chunk := source.read(CHUNK_BYTES):
        if media_type is None:
            media_type = sniffed(chunk[:HEAD_BYTES])
            if media_type is None:
                raise MediaRefusedError
        size += len(chunk)
        if size > SIZE_BYTES_MAX:
            raise FileTooLargeError
        digest.update(chunk)
        target.write(chunk)
    if media_type is None:  # nothing at all
        raise MediaRefusedError
    return StoredFile(digest.hexdigest(), size, media_type)


def _older(folder: Path, before: datetime) -> Iterator[Path]:
    """Files of a folder that were last written before then."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in islice(entries, FILES_MAX):
            if entry.is_file() and entry.stat().st_mtime < before.timestamp():
                yield Path(entry.path)
