"""Mail goes out as it was composed, and a server that does not take it is an error, not a loss."""

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller

from marketplace.adapters.mailer import MailNotSent, SmtpMailer
from marketplace.core.ports import AddressRefused, Attachment, MailMessage

SENDER = "Rotation Marketplace <no-reply@rotations.example>"


class Box:
    """Keeps what an SMTP server takes; `refuse` answers with a temporary error."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.refuse = False
        self.unknown = "550"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address.startswith("nobody@"):
            return f"{self.unknown} no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server, _session, envelope):
        if self.refuse:
            return "451 try again later"
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def box() -> Iterator[tuple[Box, str]]:
    kept = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    yield kept, f"smtp://127.0.0.1:{port}"
    server.stop()


def test_a_message_with_html_and_a_file_arrives_whole(box):
    kept, url = box
    pdf = Attachment("receipt.pdf", "application/pdf", b"%PDF-1.7\r\n.\r\nrest")
    SmtpMailer(url, SENDER).send(
        MailMessage(
            to="ana@example.org",
            subject="Recibo nº 1 — 380,80",
            text="Hola, Ana:\n\n.un punto\n" + "á" * 2_000 + "\n",
            html="<p>Hola</p>",
            message_id="<1@rotations.example>",
            attachments=(pdf,),
        )
    )
    (got,) = kept.got
    assert (got["From"], got["To"]) == (SENDER, "ana@example.org")
    assert got["Subject"] == "Recibo nº 1 — 380,80"
    assert got["Message-ID"] == "<1@rotations.example>"
    assert got["Auto-Submitted"] == "auto-generated"
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text.get_content().splitlines() == ["Hola, Ana:", "", ".un punto", "á" * 2_000]
    assert "<p>Hola</p>" in html.get_content()
    (attached,) = got.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("receipt.pdf", pdf.content)


@pytest.mark.parametrize("field", ["to", "subject"])
def test_a_line_break_can_not_add_a_header(box, field):
    kept, url = box
    fields = {"to": "a@example.org", "subject": "Hello", "text": "x"}
    fields[field] += "\r\nBcc: all@example.org"
    with pytest.raises(ValueError, match=r"linefeed|header"):
        SmtpMailer(url, SENDER).send(MailMessage(**fields))
    assert kept.got == []


def test_a_server_that_refuses_or_is_away_is_unavailable(box):
    kept, url = box
    message = MailMessage(to="a@example.org", subject="s", text="t")
    kept.refuse = True
    with pytest.raises(MailNotSent, match="try again later"):
        SmtpMailer(url, SENDER).send(message)
    with pytest.raises(MailNotSent):
        SmtpMailer("smtp://127.0.0.1:1", SENDER).send(message)


@pytest.mark.parametrize("url", ["http://mail.test", "smtp://", "mail.test"])
def test_an_address_that_is_none_is_refused_at_the_start(url):
    with pytest.raises(ValueError, match="SMTP address"):
        SmtpMailer(url, SENDER)


def test_a_mailbox_that_is_not_there_is_told_apart_from_one_that_is_busy(box):
    kept, url = box
    message = MailMessage(to="nobody@example.org", subject="s", text="t")
    with pytest.raises(AddressRefused, match="550 no such mailbox"):
        SmtpMailer(url, SENDER).send(message)
    kept.unknown = "450"
    with pytest.raises(MailNotSent, match="450 no such mailbox"):
        SmtpMailer(url, SENDER).send(message)


def test_a_calendar_keeps_its_method_and_headers_their_values(box):
    kept, url = box
    file = Attachment(
        "rotation.ics", "text/calendar; method=PUBLISH; charset=utf-8", "BEGIN:é\r\n".encode()
    )
    SmtpMailer(url, SENDER).send(
        MailMessage(
            to="a@example.org",
            subject="s",
            text="t",
            html="<p>t</p>",
            attachments=(file,),
            unsubscribe="https://rotations.example/stop",
            headers={"Reply-To": "r.x@reply.example"},
        )
    )
    (got,) = kept.got
    (attached,) = got.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    assert attached.get_param("method") == "PUBLISH"
    assert attached.get_content().startswith("BEGIN:é")
    assert got["Reply-To"] == "r.x@reply.example"
    assert got["List-Unsubscribe"] == "<https://rotations.example/stop>"
    assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in got.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
    ]  # fmt: skip
