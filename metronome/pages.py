"""What pages share: the sources they are made of, and a policy that lets nothing run or load but these."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files


def policy(scripts: list[str]) -> str:
    """Return a content security policy under which just these scripts run, and nothing is loaded."""
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def source(name: str) -> str:
    """Return the text of a file that lies beside the code."""
    return (files("metronome") / name).read_text(encoding="utf-8")
