"""What a web server starts: `granian --interface wsgi wsgi:app`."""

import logging
import os

from config import Environment, NotReady, Settings
from portal import create_app
from portal.web import logs

try:
    _settings = Settings.from_environment(os.environ)
except NotReady as problem:
    # The sentences, and no traceback: whoever starts the portal needs to know what to do, not where we noticed.
    raise SystemExit(f"The portal has not started.\n{problem}") from None

# A demonstration keeps its terminal for the messages that it prints; only what goes wrong stands between them.
logs.start(logging.WARNING if _settings.environment is Environment.DEMONSTRATION else logging.INFO)
app = create_app(_settings)
logs.log_requests(app)
