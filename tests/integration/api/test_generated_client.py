"""A client generated from the document, by a generator that knows nothing of us, does the work."""

import importlib
import io
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest

from marketplace.app import create_app
from tests import settings

WEEK = date(2027, 3, 1)
# Files are bytes to a client, whatever their type.
OPTIONS = """
package_name_override: rotations_client
post_hooks: []
content_type_overrides:
  application/pdf: application/octet-stream
  text/csv: application/octet-stream
  image/svg+xml: application/octet-stream
  image/png: application/octet-stream
  "*/*": application/octet-stream
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory):
    """The generated package, importable; the generator had nothing to say against the document."""
    home: Path = tmp_path_factory.mktemp("client")
    answer = create_app(settings.make()).test_client().get("/api/v1/openapi.json")
    (home / "openapi.json").write_bytes(answer.get_data())
    (home / "options.yml").write_text(OPTIONS)
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", "openapi.json", "--config", "options.yml"]
    command += ["--output-path", "rotations_client", "--fail-on-warning"]
    made = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(home))
    yield importlib.import_module("rotations_client")
    sys.path.remove(str(home))


@pytest.fixture
def api(package, app):
    """Calls by operation id, and the package's clients over this application."""
    transport = {"transport": httpx.WSGITransport(app=app)}
    opened = []

    def call(operation: str):
        """The module of an operation, whatever its tag."""
        (file,) = Path(package.__file__).parent.glob(f"api/*/{operation}.py")
        return importlib.import_module(f"rotations_client.api.{file.parent.name}.{operation}")

    def connect(token: str | None = None):
        where = {"base_url": "http://marketplace.test", "httpx_args": transport}
        made = (
            package.AuthenticatedClient(token=token, **where) if token else package.Client(**where)
        )
        opened.append(made.get_httpx_client())
        return made

    models = importlib.import_module("rotations_client.models")
    types = importlib.import_module("rotations_client.types")
    yield SimpleNamespace(call=call, connect=connect, models=models, types=types)
    for client in opened:
        client.close()


def sign_in(api, person):
    body = api.models.Login(email=person.email, password=person.password)
    answer = api.call("auth_login").sync(client=api.connect(), body=body)
    assert answer.account.email == person.email
    return api.connect(answer.token)


def test_it_signs_in_searches_holds_and_pays(api, people, stage):
    place = stage.place()
    trainee, rival = (people.trainee(visa_type="b1_b2") for _ in range(2))
    found = api.call("listings_search_listings").sync(
        client=api.connect(), tier=["externship"], start_from=WEEK, start_to=WEEK, weeks=4
    )
    assert [item.id for item in found.items] == [place.listing_id]
    mine, theirs = sign_in(api, trainee), sign_in(api, rival)
    hold, key = api.call("bookings_hold"), str(uuid4())
    wish = api.models.HoldArgs(listing_id=found.items[0].id, first_day=WEEK, weeks=4)
    booking = hold.sync(client=mine, body=wish, idempotency_key=key)
    assert isinstance(booking.id, UUID)
    assert (booking.state, booking.first_day) == ("held", WEEK)
    assert sum(line.amount.amount for line in booking.price_lines) == booking.total.amount
    assert hold.sync(client=mine, body=wish, idempotency_key=key).id == booking.id
    refused = hold.sync_detailed(client=theirs, body=wish)
    assert refused.status_code == 409
    assert isinstance(refused.parsed, api.models.Problem)
    assert refused.parsed.code == "seat_taken"
    started = api.call("bookings_pay").sync(
        booking.id, client=mine, body=api.models.PayArgs(whole=True)
    )
    payment = api.call("payments_show").sync(started.payment_id, client=mine)
    assert payment.amount.amount == booking.total.amount
    listed = api.call("bookings_list_own").sync(
        client=mine, state=[api.models.BookingsListOwnStateItem.AWAITING_PAYMENT]
    )
    assert [one.id for one in listed.items] == [booking.id]
    assert listed.next_cursor is None


def test_it_changes_seats_by_if_match_and_hears_of_problems(api, people, stage):
    place = stage.place()
    host = sign_in(api, people.make("site_owner", site_id=place.site_id))
    where = (place.site_id, place.listing_id)
    shown = api.call("site_listings_show_seats").sync_detailed(*where, client=host)
    seats = api.models.SetSeats(first_week=WEEK, last_week=WEEK, capacity=3)
    change = api.call("site_listings_set_seats")
    assert change.sync(*where, client=host, body=seats).code == "precondition_required"
    tag = shown.headers["ETag"]
    changed = change.sync(*where, client=host, body=seats, if_match=tag)
    assert changed.version == shown.parsed.version + 1
    stale = change.sync_detailed(*where, client=host, body=seats, if_match=tag)
    assert (stale.status_code, stale.parsed.code) == (412, "precondition_failed")
    # Members of a problem that only its code has come through too.
    assert stale.parsed.additional_properties["current_etag"] != tag


def test_it_sends_files_and_reads_them(api, people, stage):
    place = stage.place()
    host = sign_in(api, people.make("site_owner", site_id=place.site_id))
    sheet = api.types.File(payload=io.BytesIO(b"external_id\n"))
    answer = api.call("site_imports_import_sheet").sync_detailed(
        place.site_id, client=host, body=sheet
    )
    assert answer.status_code in {200, 422}
    stranger = sign_in(api, people.trainee())
    none = api.call("payments_receipt").sync(uuid4(), client=stranger)
    assert isinstance(none, api.models.Problem)
    assert none.status == 404
