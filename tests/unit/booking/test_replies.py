"""What of a mailed answer is new, and whether a person wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.rules import replies
from tests.unit.identity.notifications import nested


def mail(body="Yes, at seven.", **headers):
    head = {"From": "Ana <ANA@example.org>", "Message-ID": "<1@x>", "Subject": "Re: x", **headers}
    return ("\r\n".join(f"{k}: {v}" for k, v in head.items()) + "\r\n\r\n" + body).encode()


QUOTED = [
    "Yes.\n\nOn Mon, Jan 4, 2027 at 7:00 AM Rotations <r.x@reply.example> wrote:\n> Hello\n> You",
    (
        "Yes.\n\nOn Mon, Jan 4, 2027 at 7:00 AM a very long name of somebody here\n"
        "<r.x@reply.example> wrote:\n\n> Hello"
    ),
    "Yes.\n\nEl lun, 4 ene 2027 a las 7:00, Rotations (<r.x@reply.example>) escribió:\n> Hola",
    "Yes.\n\n-----Original Message-----\nFrom: Rotations\nSent: today\nTo: you\n\nHello",
    "Yes.\n\nFrom: Rotations\nSent: Monday\nTo: Ana\nSubject: x\n\nHello",
    "Yes.\n\n> -- Reply above this line --\n> Hello Ana",
    "Yes.\n\n-- Responda por encima de esta línea --\nHola",
    "Yes.\n-- \nAna\nSent from a telephone",
    "Yes.\r\n\r\n> quoted\r\n> again\r\n",
]


@pytest.mark.parametrize("text", QUOTED)
def test_what_was_quoted_is_cut_off(text):
    assert replies.answer(text) == "Yes."


@pytest.mark.parametrize(
    "text", ["On Monday I wrote:\nthe letter.", "> 5 is more\nthan 4", "a\n\nb"]
)
def test_what_is_new_stays(text):
    assert replies.answer(text) == text


def test_a_mail_is_read_by_its_sender_id_and_text():
    found = replies.read(mail())
    assert (found.sender, found.mail_id, found.text) == (
        "ana@example.org",
        "<1@x>",
        "Yes, at seven.",
    )
    assert (found.files, found.automatic) == ((), False)


def test_html_alone_is_read_as_words():
    html = "<html><style>p{}</style><p>Yes,</p><p>at &lt;7&gt;.</p><blockquote>old</blockquote>"
    found = replies.read(mail(html, **{"Content-Type": "text/html; charset=utf-8"}))
    assert found.text in {"Yes,\n\nat <7>.", "Yes,\nat <7>."}


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X-Autoreply": "yes"},
        {"List-Id": "<all.example.org>"},
        {"Return-Path": "<>"},
        {"Content-Type": "multipart/report; boundary=x"},
    ],
)
def test_what_a_program_wrote_is_known(headers):
    assert replies.read(mail(**headers)).automatic


def test_auto_submitted_no_is_a_person():
    assert not replies.read(mail(**{"Auto-Submitted": "no"})).automatic


@given(st.binary(max_size=400))
def test_no_bytes_are_an_accident(content):
    try:
        found = replies.read(content)
    except ValueError:
        return
    assert len(found.text) <= replies.LONGEST


@given(st.text(max_size=400))
def test_an_answer_is_never_longer_than_what_was_sent(text):
    assert len(replies.answer(text)) <= len(text)


def test_parts_within_parts_without_end_are_no_mail():
    with pytest.raises(ValueError, match="not a mail"):
        replies.read(nested(3000))
