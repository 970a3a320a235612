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
    root = environ.get("SCRIPT_NAME", "")
    if spoken := environ.get(LANGUAGE, ""):
        root = root.removesuffix(f"/{spoken}")
    changing = "?change=1" if "change=1" in environ.get("QUERY_STRING", "").split("&") else ""
    # A path reaches us with its bytes read as Latin-1; in a page it must be quoted again.
    path = quote(environ.get("PATH_INFO", "/").encode("latin-1"), safe="/:@!$&'()*+,;=~")
    return f"{root}/{code}{path}{changing}"
