"""The name of a run's work folder: a hash of all that decides the run, so that no other run takes it up."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

STAMP = "fingerprint.json"  # what decides the run, in its work folder


def name_of(fingerprint: Mapping[str, Any]) -> str:
    """The work folder's name: 12 hex digits."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:12]
