"""The portal. Only ``create_app`` puts the rooms and the doors together."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from config import Settings


def create_app(settings: "Settings") -> "Flask":
    """The web application for one installation.

    Raises ``RuntimeError`` when an endpoint does not say who may come in, and ``WrongDefinition`` when the data file of
    a scale contradicts itself.
    """
    from portal import held, instruments
    from portal.web import open_doors

    instruments.catalogue()  # read before anybody is asked anything
    held.hold(settings.secret_key, settings.encryption_keys)
    return open_doors(settings)
