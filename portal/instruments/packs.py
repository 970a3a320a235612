"""Text packs: official translations in the one format that the portal takes in (``text-pack/1``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.instruments.definition import Instrument, Wording
from portal.instruments.files import Catalogue


class BadPack(ValueError):
    """A text pack cannot be taken. ``problems``: one plain sentence for each thing that is wrong."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Pack:
    """A text pack that has passed every check. ``whole`` is the file as it came."""

    instrument: Instrument
    language: str
    status: str
    serves: tuple[str, ...]
    whole: Mapping[str, Any]
    text_sha256: str
    file_sha256: str

    def wording_for(self, instrument: Instrument) -> Wording:
        """The words for one of the forms that the pack serves: a short form gets its own items and no others."""
        raise NotImplementedError


def read_pack(data: bytes, instrument_of: Catalogue) -> Pack:
    """Raises ``BadPack`` with everything that is wrong."""
    raise NotImplementedError
