"""E-mail by SMTP, from a URL: `smtp://user:password@host:587/?starttls=1` or `smtps://…`."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from marketplace.core.errors import Unavailable
from marketplace.core.ports import AddressRefused, MailMessage

SECONDS = 10.0
# Answers from here on are final (RFC 5321); those in the 400s ask to try again.
FOR_GOOD = 500


class MailNotSent(Unavailable):
    code = "mail_not_sent"
    title = "The mail server does not take messages at present."


class SmtpMailer:
    """Serves `Mailer`: one connection a message, closed after it."""

    def __init__(self, url: str, sender: str) -> None:
        """`sender` is the From line, such as `Rotation Marketplace <no-reply@example.org>`."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("an SMTP address begins with smtp:// or smtps:// and names a host")
        self._host = parts.hostname
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._starttls = parse_qs(parts.query).get("starttls") == ["1"]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"

    def send(self, message: MailMessage) -> None:
        try:
            with self._connect() as server:
                if self._starttls:
                    server.starttls(context=ssl.create_default_context())
                if self._user is not None:
                    server.login(self._user, self._password)
                server.send_message(self._compose(message))
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            said = f"{code} {answer.decode('utf-8', 'replace')}"
            if code >= FOR_GOOD:
                raise AddressRefused(said) from error
            raise MailNotSent(said) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(str(error)) from error

    def _connect(self) -> smtplib.SMTP:
        if self._implicit_tls:
            tls = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=SECONDS, context=tls)
        return smtplib.SMTP(self._host, self._port, timeout=SECONDS)

    def _compose(self, message: MailMessage) -> EmailMessage:
        # The policy refuses line breaks in headers, so a name or subject can't add one.
        composed = EmailMessage(policy=SMTP)
        composed["From"] = self._sender
        composed["To"] = message.to
        composed["Subject"] = message.subject
        composed["Date"] = formatdate(usegmt=True)
        composed["Message-ID"] = message.message_id or make_msgid(domain=self._domain)
        # Answers by machines to machines help nobody (RFC 3834).
        composed["Auto-Submitted"] = "auto-generated"
        if message.unsubscribe is not None:
            composed["List-Unsubscribe"] = f"<{message.unsubscribe}>"
            composed["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        for name, value in message.headers.items():
            composed[name] = value
        composed.set_content(message.text)
        if message.html is not None:
            composed.add_alternative(message.html, subtype="html")
        for attachment in message.attachments:
            kind = EmailMessage(policy=SMTP)
            kind["Content-Type"] = attachment.media_type
            composed.add_attachment(
                attachment.content,
                maintype=kind.get_content_maintype(),
                subtype=kind.get_content_subtype(),
                filename=attachment.filename,
                params=dict(kind["Content-Type"].params),
            )
        return composed
