"""The keys that a browser holds for us: random tokens and nothing else, sent to nobody but us, read by no script.

Their names are in the app's configuration: where there is TLS they begin with ``__Host-``.
"""

from typing import TypeVar

from flask import current_app, request
from werkzeug.wrappers import Response

DAY = 24 * 60 * 60
Answer = TypeVar("Answer", bound=Response)


def name_of(which: str, part: str = "") -> str:
    """The name of a cookie by its entry in the configuration, like ``VISIT_COOKIE``, or of one that belongs to it."""
    return f"{current_app.config[which]}{part}"


def device() -> str:
    """The name of the one by which a browser is known on which somebody of staff has signed in before."""
    return name_of("SIGN_IN_COOKIE", "-device")


def held(name: str) -> str | None:
    """What this browser holds under a name."""
    return request.cookies.get(name)


def give(response: Answer, name: str, value: str, days: int | None = None) -> Answer:
    """Let the browser hold this for so many days, or until it is closed."""
    response.set_cookie(
        name,
        value,
        max_age=None if days is None else days * DAY,
        path="/",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def take(response: Answer, *names: str) -> Answer:
    """Take back what the browser holds under these names."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    for name in names:
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def clear(response: Answer, *names: str) -> Answer:
    """Take these back, and have the browser forget every page of ours that it has kept."""
    take(response, *names).headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
