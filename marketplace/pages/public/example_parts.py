"""What an example of the API is, and how it is written as a command for a shell (`curl`, `jq`)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

NO_CONTENT = 204
# A name in quotes is of a text, one after `$$` of a number.
NUMBER = re.compile(r'"\$(\$[A-Z_]+)"')
NAME = re.compile(r'("?)(\$[A-Z_]+)\1')
OUTSIDE = r"""\1'\2'\1"""
PLACE = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Call:
    """One request; `$NAMES` in it stand for what earlier calls kept, `$$NAMES` for numbers of it.

    `keeps` has names and where in the answer their values are, in jq's words; `etag` the name of
    what is kept of that header; `until` what the answer must have before one goes on: a job makes it.
    """

    says: str
    operation: str
    status: int = 200
    sent_by: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    until: str = ""


@dataclass(frozen=True)
class Story:
    """Calls that belong together, played from the first to the last."""

    code: str
    title: str
    about: str
    calls: tuple[Call, ...]


def address(call: Call, template: str) -> str:
    """Return where the call goes below `/api/v1`, with its names in it."""
    path = PLACE.sub(lambda found: call.path[found[1]], template)
    return f"{path}?{urlencode(call.query, safe='$,:')}" if call.query else path


def sent(call: Call) -> str:
    """Return the body as JSON, with its names in it; those of numbers stand without quotes."""
    return NUMBER.sub(r"\1", json.dumps(call.body, ensure_ascii=False))


def shell(call: Call, method: str, template: str) -> str:
    """Return the call as a command; the answer is shown, and stands in `answer.json`."""
    plain = method == ("post" if call.body is not None else "get")
    asked = [f'curl -s {"" if plain else f"-X {method.upper()} "}"$API{address(call, template)}"']
    if call.sent_by:
        asked.append(f'-H "Authorization: Bearer ${call.sent_by}"')
    asked += [f'-H "{name}: {value}"' for name, value in call.headers.items()]
    if call.etag:
        asked.append("-D headers.txt")
    if call.body is not None:
        asked.append(f"--json '{NAME.sub(OUTSIDE, sent(call))}'")
    command = " \\\n  ".join(asked)
    if call.status == NO_CONTENT:
        return command
    look = f"jq -e '{call.until}'" if call.until else "jq ."
    command += f" \\\n  | tee answer.json | {look}"
    lines = [f"until {command}; do sleep 1; done" if call.until else command]
    if call.etag:
        lines.append(f"{call.etag}=$(tr -d '\\r' < headers.txt | sed -n 's/^etag: //Ip')")
    lines += [f"{name}=$(jq -r '{where}' answer.json)" for name, where in call.keeps.items()]
    return "\n".join(lines)
