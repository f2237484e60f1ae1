"""Mail to one domain is handed on to the application, as a mail server in production would do."""

import hashlib
import hmac
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

SECONDS = 20.0
TAKEN, NOT_THERE, LATER = "250 handed on", "550 no such address", "451 try again later"


@dataclass(frozen=True)
class HandingOn:
    """Posts what is sent to addresses of `domain` to `url`, signed with `secret`."""

    domain: str
    url: str
    secret: str

    def concerns(self, recipients: Iterable[str]) -> list[str]:
        """Return those of the recipients that are the application's to answer for."""
        ending = f"@{self.domain}".lower()
        return [one for one in recipients if one.lower().endswith(ending)]

    def hand_on(self, recipient: str, content: bytes) -> str:
        """Hand a mail on; the answer for whoever sent it."""
        stamp = str(int(time.time()))
        mark = hmac.new(self.secret.encode(), stamp.encode() + b"." + content, hashlib.sha256)
        request = urllib.request.Request(  # noqa: S310 - our own application's address
            f"{self.url}?to={quote(recipient)}",
            data=content,
            headers={
                "Content-Type": "message/rfc822",
                "Mail-Signature": f"{stamp}.{mark.hexdigest()}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310 - as above
                return TAKEN
        except urllib.error.HTTPError as error:
            with error:
                gone = error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
                return NOT_THERE if gone else LATER
        except OSError:
            return LATER
