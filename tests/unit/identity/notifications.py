"""Delivery status notifications as mail servers write them, about a message of any Message-ID."""

from textwrap import dedent

SAMPLES = {
    # The customary one: fields of the recipient, and the message whole.
    "postfix": """\
        From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
        To: no-reply@rotations.example
        Subject: Undelivered Mail Returned to Sender
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

        --B1
        Content-Type: text/plain; charset=us-ascii

        I'm sorry to have to inform you that your message could not be delivered.

        --B1
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.example.net
        Arrival-Date: Thu,  1 Apr 2027 09:00:01 +0000 (UTC)

        Final-Recipient: rfc822; trainee@example.org
        Original-Recipient: rfc822;trainee@example.org
        Action: failed
        Status: 5.1.1
        Remote-MTA: dns; mail.example.org
        Diagnostic-Code: smtp; 550 5.1.1 <trainee@example.org>: Recipient address
            rejected: User unknown

        --B1
        Content-Type: message/rfc822

        From: Rotation Marketplace <no-reply@rotations.example>
        To: trainee@example.org
        Message-ID: {message_id}
        Subject: How did your Match go?
        MIME-Version: 1.0
        Content-Type: text/plain

        The link.

        --B1--
        """,
    # Only the headers come back; field names in another case; the mailbox is full, given up.
    "exim": """\
        From: Mail Delivery System <Mailer-Daemon@relay.example>
        Return-path: <>
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type="delivery-status"; boundary=B2

        --B2
        Content-Type: text/plain

        retry timeout exceeded

        --B2
        Content-Type: message/delivery-status

        reporting-mta: dns; relay.example

        action: failed
        final-recipient: rfc822;trainee@example.org
        status: 4.2.2
        diagnostic-code: smtp; 452 4.2.2 Over quota

        --B2
        Content-Type: text/rfc822-headers

        From: no-reply@rotations.example
        Message-Id: {message_id}
        To: trainee@example.org

        --B2--
        """,
    # In UTF-8 (RFC 6533), which the standard library does not take apart.
    "global": """\
        From: postmaster@mail.example
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary=B3

        --B3
        Content-Type: text/plain; charset=utf-8

        No se pudo entregar.

        --B3
        Content-Type: message/global-delivery-status

        Reporting-MTA: dns; mail.example

        Original-Recipient: utf-8; peña@example.org
        Final-Recipient: utf-8; peña@example.org
        Action: FAILED
        Status: 5.1.10 (null MX)
        Diagnostic-Code: smtp;556 5.1.10 Domain does not accept mail

        --B3
        Content-Type: message/global-headers

        From: no-reply@rotations.example
        Message-ID: {message_id}

        --B3--
        """,
    # Not lost: it is late.
    "delayed": """\
        From: MAILER-DAEMON@mx.example.net
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary=B4

        --B4
        Content-Type: text/plain

        You don't need to resend it.

        --B4
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.example.net

        Final-Recipient: rfc822; trainee@example.org
        Action: delayed
        Status: 4.4.1
        Diagnostic-Code: smtp; connect timed out

        --B4
        Content-Type: text/rfc822-headers

        Message-ID: {message_id}

        --B4--
        """,
    # An answer by a machine, in the same envelope as a bounce.
    "vacation": """\
        From: Trainee <trainee@example.org>
        Auto-Submitted: auto-replied
        In-Reply-To: {message_id}
        Content-Type: text/plain

        I am away. Action: failed. Status: 5.1.1
        """,
    # A report of another kind (RFC 8098): it was opened.
    "opened": """\
        From: trainee@example.org
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=disposition-notification; boundary=B5

        --B5
        Content-Type: message/disposition-notification

        Final-Recipient: rfc822; trainee@example.org
        Original-Message-ID: {message_id}
        Disposition: manual-action/MDN-sent-manually; displayed

        --B5--
        """,
}


def notification(name: str, message_id: str) -> bytes:
    """A sample about the message of this id, with the line ends of mail."""
    text = dedent(SAMPLES[name]).replace("{message_id}", message_id)
    return text.replace("\n", "\r\n").encode()


def nested(depth):
    """A mail of parts within parts: deeper than any parser goes."""
    parts = (
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (one, one)
        for one in range(depth)
    )
    return b"From: a@example.org\r\n" + b"".join(parts) + b"\r\nHello\r\n"
