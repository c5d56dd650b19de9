"""Errors of attachments."""

from fleet_server.attachments.rules import PER_THING_MAX, SIZE_BYTES_MAX, MediaType
from fleet_server.errors import ConflictError, RequestError


class FileTooLargeError(RequestError):
    """A file exceeds the bound."""

    status = 413
    slug = "too-large"

    def __init__(self) -> None:
        super().__init__(f"a file may have {SIZE_BYTES_MAX} bytes")

    @property
    def facts(self) -> dict[str, object]:
        """Name the bound."""
        return {"bytes_max": SIZE_BYTES_MAX}


class MediaRefusedError(RequestError):
    """The bytes are none of the kinds that may be attached, whatever the name says."""

    status = 415
    slug = "media-refused"

    def __init__(self) -> None:
        super().__init__(f"its bytes are none of {', '.join(sorted(MediaType))}")

    @property
    def facts(self) -> dict[str, object]:
        """Name the kinds that may."""
        return {"known": sorted(MediaType)}


class TooManyAttachmentsError(ConflictError):
    """The thing has as many attachments as it may have."""

    slug = "too-many-attachments"

    def __init__(self) -> None:
        super().__init__(f"there are {PER_THING_MAX} attachments already")
