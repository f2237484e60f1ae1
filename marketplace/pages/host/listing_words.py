"""A listing's terms in its reader's words: what a change was from and to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from marketplace.catalog.rules.deposits import DepositKind
from marketplace.catalog.rules.policies import POLICIES
from marketplace.core.money import Money
from marketplace.pages.host import listing_forms
from marketplace.pages.view import Reader
from marketplace.pages.words import noted

DEPOSITS = {
    DepositKind.STANDARD: noted("As the cancellation terms say"),
    DepositKind.WHOLE: noted("The whole price"),
    DepositKind.SHARE: noted("A percentage"),
    DepositKind.AMOUNT: noted("An amount"),
}
# Terms that are codes, or lists of them.
CODED = {*listing_forms.CHOICES, "duties", "documents"}
DAYS = {"first_start", "last_start", "blackout_weeks"}
SAID = {"yes": noted("Yes"), "no": noted("No")}


def changes(
    who: Reader, difference: Mapping[str, Sequence[str]], terms: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Each term that was changed, what it was, and what it is in `terms`."""
    now = terms["currency"]
    past = difference["currency"][0] if "currency" in difference else now
    for name, (before, after) in difference.items():
        yield name, _value(who, name, before, past or now), _value(who, name, after, now)


def _value(who: Reader, name: str, text: str, currency: str) -> str:
    """A term as its readers know it: words for codes, money with its currency, days as written."""
    if name == "deposit":
        return _deposit(who, text, currency)
    if not text:
        return "–"
    if name == "price_per_week":
        return who.money(Money.parse(text, currency))
    if name in DAYS:
        return ", ".join(who.day(date.fromisoformat(part)) for part in text.split(";"))
    if name == "specialty":
        return who.specialty(text)
    if name == "cancellation_policy" and text in POLICIES:
        return who.told(POLICIES[text].summary)
    if name in CODED:
        return ", ".join(who.label(part) for part in text.split(";"))
    return who.say(SAID[text]) if text in SAID else text


def _deposit(who: Reader, text: str, currency: str) -> str:
    if text.endswith("%"):
        return text
    if text in ("", DepositKind.WHOLE):
        return who.say(DEPOSITS[DepositKind(text or DepositKind.STANDARD)])
    return who.money(Money.parse(text, currency))
