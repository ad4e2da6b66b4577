"""What of RO-Crates does not conform to the profiles of a Workflow Run Crate: `python conformance.py FOLDER ...`.

It runs where roc-validator is installed, which goes with no environment of ours (it holds `rich` below 14), and without
a network: the one context that is asked for comes from the package rocrate.
"""

import sys
from pathlib import Path

import requests
import rocrate
from rocrate_validator import services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILES = ("workflow-ro-crate", "process-run-crate", "workflow-run-crate", "provenance-run-crate")


def context() -> bytes:
    """RO-Crate 1.3's, with the names that 1.1 has for the terms whose meaning moved."""
    text = (Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_text(encoding="utf-8")
    for term in ("ComputationalWorkflow", "FormalParameter"):
        text = text.replace(f"https://bioschemas.org/terms/{term}", f"https://bioschemas.org/{term}")
    for slot in ("input", "output"):
        text = text.replace(f"bioschemas.org/terms/{slot}", f"bioschemas.org/ComputationalWorkflow#{slot}")
    return text.encode()


def send(adapter, request, **_):
    """Answer as the network would."""
    answer = requests.Response()
    answer.url, answer.request = request.url, request
    answer.status_code = 200 if request.url == CONTEXT else 504
    answer._content = context() if request.url == CONTEXT else b""
    answer.headers["Content-Type"] = "application/ld+json"
    return answer


if __name__ == "__main__":
    requests.adapters.HTTPAdapter.send = send
    for folder in sys.argv[1:]:
        for profile in PROFILES:
            asked = {"rocrate_uri": folder, "profile_identifier": profile, "requirement_severity": "REQUIRED"}
            for issue in services.validate({**asked, "no_cache": True}).get_issues():
                print(f"{folder}: {profile}: {issue.check.identifier}: {issue.message}")
    print("checked")
