"""What a browser sees of the kept mail."""

from collections.abc import Sequence
from html import escape

from marketplace.embedded.mail_sink.store import KeptMessage

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}
table{border-collapse:collapse;width:100%} th,td{text-align:left;padding:.4rem .6rem;
border-bottom:1px solid #d9e0e6;vertical-align:top} a{color:#0b5cad} h1{font-size:1.3rem}
pre{white-space:pre-wrap;background:#f5f7f9;padding:1rem} iframe{width:100%;height:30rem;
border:1px solid #d9e0e6}
"""


def page(title: str, body: str) -> str:
    """A whole HTML document; `body` is markup, `title` is text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )


def list_page(messages: Sequence[KeptMessage]) -> str:
    """The kept messages, newest first."""
    rows = "".join(
        f"<tr><td>{message.received_at:%Y-%m-%d %H:%M:%S}</td>"
        f"<td>{escape(', '.join(message.recipients))}</td>"
        f'<td><a href="/view/{escape(message.id)}">{escape(message.subject) or "(no subject)"}'
        "</a></td></tr>"
        for message in messages
    )
    table = (
        "<table><thead><tr><th>Received (UTC)</th><th>To</th><th>Subject</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    return page(
        "Mail sink", f"<h1>Mail that was not delivered</h1>{table if rows else '<p>None yet.</p>'}"
    )


def message_page(message: KeptMessage) -> str:
    """One message; its HTML part without scripts and outside resources."""
    files = "".join(
        f'<li><a href="/messages/{escape(message.id)}/attachments/{number}">'
        f"{escape(file.filename)}</a> ({escape(file.content_type)}, {len(file.content)} bytes)</li>"
        for number, file in enumerate(message.attachments())
    )
    text, html = message.body("plain"), message.body("html")
    parts = [
        '<p><a href="/">All mail</a></p>',
        f"<h1>{escape(message.subject) or '(no subject)'}</h1>",
        f"<p>From {escape(str(message.message.get('From', '')))}</p>",
        f"<p>To {escape(', '.join(message.recipients))}</p>",
        f"<ul>{files}</ul>" if files else "",
        f"<pre>{escape(text)}</pre>" if text else "",
        f'<iframe sandbox="" srcdoc="{escape(html)}" title="HTML part"></iframe>' if html else "",
        f'<p><a href="/messages/{escape(message.id)}/raw">Source</a></p>',
    ]
    return page(message.subject, "".join(parts))
