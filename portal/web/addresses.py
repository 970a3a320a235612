"""Addresses: which service and which language, read off the front of the path.

``/at/<service>/<language>/refer/name``: both parts are optional. They move to SCRIPT_NAME, so that every route exists
once and ``url_for`` puts them back by itself. The language is in the address, not in a cookie: a poster can carry it,
and nothing about a person is kept in the browser.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from portal.i18n import LANGUAGES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SERVICE = "portal.service"
LANGUAGE = "portal.language"
_SERVICE = re.compile(r"^/at/([a-z0-9][a-z0-9-]{0,59})(?=/|$)")
_LANGUAGE = re.compile(r"^/(" + "|".join(map(re.escape, LANGUAGES)) + r")(?=/|$)")

# Only pages of ours for staff, by their path: nothing that leads to another site, and nothing that acts by itself.
_STAFF_PAGE = re.compile(r"(?:/[A-Za-z0-9_-]+)*/staff(?:/[A-Za-z0-9_-]+)*")
_LONGEST_PATH = 200


class Addresses:
    """WSGI middleware that takes service and language off the path."""

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on with a shorter path."""
        # Only this middleware may set them: a server in front has no say in which service is asked.
        environ[SERVICE] = environ[LANGUAGE] = ""
        for name, pattern in ((SERVICE, _SERVICE), (LANGUAGE, _LANGUAGE)):
            path = environ.get("PATH_INFO", "")
            if found := pattern.match(path):
                environ[name] = found[1]
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + found[0]
                environ["PATH_INFO"] = path[found.end() :] or "/"
        return self.app(environ, start_response)


def in_language(environ: "WSGIEnvironment", code: str) -> str:
    """The address of this very page in another language. Of what stands behind the question mark only ``change=1``
    goes along: whoever changes an answer still comes back to the check."""
    root = _without_language(environ)
    changing = "?change=1" if "change=1" in environ.get("QUERY_STRING", "").split("&") else ""
    # A path reaches us with its bytes read as Latin-1; in a page it must be quoted again.
    path = quote(environ.get("PATH_INFO", "/").encode("latin-1"), safe="/:@!$&'()*+,;=~")
    return f"{root}/{code}{path}{changing}"


def address_in(environ: "WSGIEnvironment", code: str, address: str) -> str:
    """An address of ours (from ``url_for``) in another language."""
    return f"{_without_language(environ)}/{code}{address.removeprefix(environ.get('SCRIPT_NAME', ''))}"


def _without_language(environ: "WSGIEnvironment") -> str:
    root: str = environ.get("SCRIPT_NAME", "")
    spoken = environ.get(LANGUAGE, "")
    return root.removesuffix(f"/{spoken}") if spoken else root


def staff_page(wanted: str) -> str:
    """The page that somebody of the staff wanted before something was asked; "" when it is not a page of ours for
    staff."""
    return wanted if len(wanted) <= _LONGEST_PATH and _STAFF_PAGE.fullmatch(wanted) else ""
