"""Settings of the Superset example: everything it writes stays in SUPERSET_HOME, nothing is cached between releases.

For trying out on one machine. A server for others needs its own database, secret and login: see Superset's documentation.
"""

import os
import secrets
from pathlib import Path

HOME = Path(os.environ["SUPERSET_HOME"])
_key = HOME / "secret_key"
if not _key.exists():
    _key.write_text(secrets.token_hex(32))
    _key.chmod(0o600)

SECRET_KEY = _key.read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}"
# A chart asks the release each time: after a switch the next look shows the new one.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
FILTER_STATE_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
# The release is opened read-only by every query and closed after it; Superset's guard against local files does not know DuckDB.
PREVENT_UNSAFE_DB_CONNECTIONS = False
TALISMAN_ENABLED = False
WTF_CSRF_ENABLED = False
FEATURE_FLAGS = {"DASHBOARD_RBAC": False}
