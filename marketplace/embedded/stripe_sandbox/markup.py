"""The sandbox's few HTML pages: plain forms, no script, everything escaped."""

from typing import Any

from jinja2 import DictLoader, Environment

from marketplace.embedded.stripe_sandbox.money import written

_BASE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} - sandbox</title><link rel="icon" href="data:,">
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:{{ width or '32rem' }};margin:2rem auto;
padding:0 1rem;color:#1a1f36}
label{display:block;margin:.6rem 0}input,select{display:block;width:100%;padding:.5rem;font:inherit;
box-sizing:border-box}button{padding:.6rem 1.2rem;font:inherit;margin:.8rem .5rem 0 0}
.note{background:#fff4d6;padding:.4rem .8rem}.error{background:#fde2e2;padding:.6rem .8rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;
border-bottom:1px solid #ddd}.amount{text-align:right}code{font-size:.9em}
.wide{overflow-x:auto}.wide td{white-space:nowrap}
</style></head><body>
<p class="note">Sandbox. No real money moves; use test cards.</p>
<h1>{{ title }}</h1>
{% block main %}{% endblock %}
</body></html>
"""

_PAY = """{% extends "base" %}{% block main %}
<table>
{% for line in lines %}<tr><td>{{ line._name }}{% if line.quantity != 1 %} &times; {{ line.quantity }}
{% endif %}</td><td class="amount">{{ line.amount_total|money(line.currency) }}</td></tr>{% endfor %}
<tr><th>Total</th><th class="amount" id="total">{{ session.amount_total|money(session.currency) }}
</th></tr></table>
{% if error %}<p class="error" role="alert" id="error">{{ error }}</p>{% endif %}
<form method="post" action="/c/pay/{{ session.id }}">
<label>E-mail <input name="email" type="email" required
 value="{{ session.customer_email or (session.customer_details or {}).email or '' }}"></label>
{% if session.amount_total %}
<label>Card number <input name="number" inputmode="numeric" autocomplete="cc-number" required
 placeholder="4242 4242 4242 4242"></label>
<label>Expiry (MM/YY) <input name="expiry" required placeholder="12/34"></label>
<label>Security code <input name="cvc" inputmode="numeric" required placeholder="123"></label>
<label>Name on card <input name="name"></label>
{% if may_keep %}<label><input type="checkbox" name="keep" value="yes"> Keep this card</label>
{% endif %}{% endif %}
<button id="pay">{{ "Pay " ~ session.amount_total|money(session.currency)
 if session.amount_total else "Complete" }}</button>
{% if session.cancel_url %}<a id="cancel" href="{{ session.cancel_url }}">Cancel and go back</a>
{% endif %}</form>
{% for card in saved %}<form method="post" action="/c/pay/{{ session.id }}">
<input type="hidden" name="saved" value="{{ card.id }}">
<button id="{{ card.id }}">Pay with {{ card.card.brand }} {{ card.card.last4 }}</button></form>
{% endfor %}
<p>Paid: 4242 4242 4242 4242, with any expiry to come and any code. Declines: 4000 0000 0000 0002; insufficient funds: 4000 0000 0000 9995; 3-D Secure:
4000 0027 6000 3184; a dispute afterwards: 4000 0000 0000 0259.{% if takes_bank %} Bank debit:
000123456789, or 000111111113 to fail later.{% endif %}</p>
{% endblock %}"""

_CHALLENGE = """{% extends "base" %}{% block main %}
<p>The bank asks whether it is you who pays <strong>{{ amount|money(currency) }}</strong>.</p>
<form method="post"><button name="answer" value="complete" id="complete">Complete</button>
<button name="answer" value="fail" id="fail">Fail</button></form>
{% endblock %}"""

_MESSAGE = """{% extends "base" %}{% block main %}
<p>{{ text }}</p>
{% if link %}<p><a id="onward" href="{{ link }}">{{ link_text }}</a></p>{% endif %}
{% endblock %}"""

_ONBOARD = """{% extends "base" %}{% block main %}
<p>Account <code>{{ account.id }}</code>{% if account.email %} ({{ account.email }}){% endif %}.
Still asked for: {{ account.requirements.currently_due|join(", ") or "nothing" }}.</p>
<form method="post"><p>Submitting gives test data for all of it.</p>
<button name="answer" value="submit" id="submit">Submit test data</button>
<button name="answer" value="later" id="later">Save and finish later</button></form>
{% endblock %}"""

_STATE = """{% extends "base" %}{% block main %}
<p>{{ offset }}API version {{ version }}. <a href="/_sandbox/webhooks">Deliveries (JSON)</a>,
<a href="/_sandbox/faults">faults in force (JSON)</a>.</p>
<h2>Balances</h2>
<div class="wide" tabindex="0" role="region" aria-label="Balances"><table><tr><th>Account</th><th>Currency</th><th class="amount">Balance</th></tr>
{% for account, currency, total in balances %}<tr><td><code>{{ account }}</code></td>
<td>{{ currency }}</td><td class="amount">{{ total|money(currency) }}</td></tr>{% endfor %}</table>
</div>
<h2>Objects</h2><p>{% for kind, count in counts %}<a href="/_sandbox/?kind={{ kind }}">{{ kind }}</a>
({{ count }}) {% endfor %}</p>
<div class="wide" tabindex="0" role="region" aria-label="Objects">
<table><tr><th>Created</th><th>Kind</th><th>Id</th><th>State</th><th class="amount">Amount</th></tr>
{% for row in rows %}<tr><td>{{ row.at }}</td><td>{{ row.kind }}</td>
<td><a href="/_sandbox/objects/{{ row.id }}"><code>{{ row.id }}</code></a></td>
<td>{{ row.state }}</td><td class="amount">{{ row.amount }}</td></tr>{% endfor %}</table></div>
{% endblock %}"""

_PAGES = Environment(
    loader=DictLoader(
        {
            "base": _BASE,
            "pay": _PAY,
            "challenge": _CHALLENGE,
            "message": _MESSAGE,
            "onboard": _ONBOARD,
            "state": _STATE,
        }
    ),
    autoescape=True,
)
_PAGES.filters["money"] = written


def page(name: str, **values: Any) -> str:
    """The HTML of a page."""
    return _PAGES.get_template(name).render(**values)
