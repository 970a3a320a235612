"""What a web server starts: `granian --interface wsgi wsgi:app`."""

import os

from config import NotReady, Settings
from portal import create_app

try:
    _settings = Settings.from_environment(os.environ)
except NotReady as problem:
    # The sentences, and no traceback: whoever starts the portal needs to know what to do, not where we noticed.
    raise SystemExit(f"The portal has not started.\n{problem}") from None

app = create_app(_settings)
