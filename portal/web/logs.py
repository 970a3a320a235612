"""What is written down about the running of the portal: one JSON object a line, and nothing personal in it.

A request is its method, endpoint, status and milliseconds: no path (it may hold an identifier), no query, no address of
anybody. Of a fault there is its kind and where it happened: the words of an exception may be what somebody typed.
"""

import json
import logging
import sys
import time
import traceback
from datetime import UTC, datetime

from flask import Flask, Response, g, request, request_finished, request_started

requests_log = logging.getLogger("portal.web.requests")


class JSONLines(logging.Formatter):
    """A record as one line of JSON. What other people's code logs is kept without its arguments: nobody here knows
    what they hold."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        ours = record.name.partition(".")[0] in ("portal", "_granian")
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage() if ours and not record.exc_info else str(record.msg),
        }
        if record.exc_info and record.exc_info[0]:
            places = traceback.extract_tb(record.exc_info[2])[-3:]
            line["fault"] = record.exc_info[0].__name__
            line["where"] = [f"{place.filename.rpartition('/portal/')[2]}:{place.lineno}" for place in places]
        facts = getattr(record, "facts", None)
        return json.dumps(line | (facts or {}), ensure_ascii=False)


def start(level: int = logging.INFO) -> None:
    """Write everything from this level on to standard error, for the whole process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)


def log_requests(app: Flask) -> None:
    """Write a line for every request, files aside."""

    def began(_app: Flask, **_more: object) -> None:
        g.began = time.perf_counter()

    def ended(_app: Flask, response: Response, **_more: object) -> None:
        facts = {
            "method": request.method,
            "endpoint": request.endpoint,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
        }
        requests_log.info("request", extra={"facts": facts})

    request_started.connect(began, app, weak=False)
    request_finished.connect(ended, app, weak=False)
