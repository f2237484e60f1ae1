"""Large imports through HTTP: uploaded, looked at, done, cancelled, and their files."""

import io
from uuid import uuid4

import pytest

from marketplace.catalog.rules.faults import SMALL
from marketplace.catalog.rules.spreadsheet import read_sheet
from tests.integration.catalog.conftest import SHEET
from tests.unit.catalog.sheets import GOOD, sheet
from tests.unit.catalog.workbooks import listings

API = "/api/v1"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LAKEVIEW = "".join(SHEET.decode().splitlines(keepends=True)[:3])


@pytest.fixture
def desk(client, host, market):
    class Desk:
        base = f"{API}/sites/{market['CHI-IM-01'].site_id}/imports"

        def put(self, content, query="", import_id=None, kind="text/csv"):
            return client.put(
                f"{self.base}/{import_id or uuid4()}{query}",
                data=content,
                content_type=kind,
                headers=host.headers,
            )

        def get(self, path="", **options):
            return client.get(f"{self.base}{path}", headers=options.get("headers", host.headers))

        def post(self, path, headers=(), **sent):
            given = {**host.headers, **dict(headers)}
            return client.post(f"{self.base}{path}", headers=given, **sent)

    return Desk()


def test_a_sheet_is_uploaded_planned_looked_at_and_done(desk, run_jobs, people):
    changed = LAKEVIEW.replace("425.00", "435.00").replace("B1/B2,no", "B9,no").encode()
    import_id = uuid4()
    sent = desk.put(changed, "?filename=../../ours.csv", import_id)
    assert (sent.status_code, sent.json["state"]) == (202, "uploaded")
    assert sent.json["file_name"] == "ours.csv"
    assert desk.put(changed, "", import_id).status_code == 409
    run_jobs()
    planned = desk.get(f"/{import_id}").json
    assert (planned["state"], planned["rows_done"], planned["rows_total"]) == ("planned", 2, 2)
    assert planned["phase"] is None
    assert (planned["counts"]["changed"], planned["counts"]["refused"]) == (1, 1)
    plan = desk.get(f"/{import_id}/files/plan.json").json
    assert plan["counts"] == planned["counts"]
    assert plan["entries"][0]["difference"] == {"price_per_week": ["425.00", "435.00"]}
    assert plan["entries"][1]["problems"][0]["column"] == "visa_types"
    table = desk.get(f"/{import_id}/files/plan.csv")
    assert "expected any of" in table.get_data().decode("utf-8-sig")
    assert table.headers["Content-Disposition"] == 'attachment; filename="plan.csv"'
    assert desk.get(f"/{import_id}/files/other.csv").status_code == 409
    key = [("Idempotency-Key", "once")]
    assert desk.post(f"/{import_id}/commit", key).status_code == 202
    assert desk.post(f"/{import_id}/commit", key).headers["Idempotent-Replayed"] == "true"
    run_jobs()
    done = desk.get(f"/{import_id}").json
    assert (done["state"], done["position"], done["counts"]["changed"]) == ("done", 2, 1)
    assert [item["id"] for item in desk.get().json["items"]] == [str(import_id)]
    # What it only changed stays.
    back = desk.post(f"/{import_id}/take-back", json={"commit": True})
    nothing = {"committed": True, "listings": 0, "kept_in_all": 0, "kept": []}
    assert (back.status_code, back.json) == (200, nothing)
    stranger = people.trainee().headers
    assert desk.get(f"/{import_id}", headers=stranger).status_code == 404
    assert desk.post(f"/{import_id}/cancel").json["code"] == "illegal_transition"


def test_an_import_is_known_at_its_own_site_only(client, desk, host, market, run_jobs):
    import_id = uuid4()
    desk.put(LAKEVIEW, "", import_id)
    other = f"{API}/sites/{market['NYC-NEU-01'].site_id}/imports/{import_id}"
    assert client.get(other, headers=host.headers).status_code == 404
    assert client.post(f"{other}/cancel", headers=host.headers).status_code == 404
    again = client.put(other, data=LAKEVIEW, content_type="text/csv", headers=host.headers)
    assert again.status_code == 409


def test_the_errors_of_a_workbook_come_back_as_one_to_mend(desk, run_jobs):
    bad = {**read_sheet(LAKEVIEW).rows[0].record.cells, "price_per_week": -5, "npi": "123"}
    import_id = uuid4()
    columns = tuple(GOOD)
    desk.put(listings(bad, columns=columns), "?filename=ours.xlsx", import_id, XLSX)
    run_jobs()
    book = desk.get(f"/{import_id}/files/errors.xlsx")
    assert book.mimetype == XLSX
    (row,) = read_sheet(book.get_data(), name="errors.xlsx").rows
    assert {problem.column for problem in row.problems} == {"price_per_week", "npi"}


def test_a_cancelled_import_is_not_planned(desk, run_jobs):
    import_id = uuid4()
    desk.put(LAKEVIEW, "?commit=true", import_id)
    assert desk.post(f"/{import_id}/cancel").json["state"] == "cancelled"
    run_jobs()
    assert desk.get(f"/{import_id}").json["state"] == "cancelled"


@pytest.mark.fault(47)
def test_an_upload_of_a_gigabyte_is_refused_before_it_is_read(client, desk, host):
    """Row 47: by what it says of itself, and by what comes where it says nothing."""

    class Endless(io.BytesIO):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"a" * size

        def readinto(self, buffer):
            self.given += len(buffer)
            buffer[:] = b"a" * len(buffer)
            return len(buffer)

    said = client.put(
        f"{desk.base}/{uuid4()}",
        input_stream=io.BytesIO(b"a"),
        environ_overrides={"CONTENT_LENGTH": str(1 << 30)},
        content_type="text/csv",
        headers=host.headers,
    )
    assert said.status_code == 413
    endless = Endless()
    unsaid = client.put(
        f"{desk.base}/{uuid4()}",
        input_stream=endless,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        content_type="text/csv",
        headers=host.headers,
    )
    assert unsaid.status_code == 413
    assert endless.given < 52_000_000


@pytest.mark.fault(47)
def test_what_is_no_sheet_is_not_stored(desk):
    """Row 47: a film, an empty body, a type that is none."""
    assert desk.put(b"\x00\x00\x00\x18ftypmp42").json["code"] == "sheet_refused"
    assert desk.put(b"").json["code"] == "sheet_refused"
    assert desk.put(b"{}", kind="application/json").status_code == 415


@pytest.mark.fault(47)
def test_a_request_that_waits_takes_small_files_only(client, desk, host):
    """Row 47: what is larger is told where to go."""
    route = desk.base.replace("imports", "listings/import")

    def send(content):
        return client.post(route, data=content, content_type="text/csv", headers=host.headers)

    assert send(b"a" * (SMALL.content + 1)).status_code == 413
    many = send(sheet(*[GOOD] * 2_001).encode())
    assert (many.status_code, many.json["sheet_code"]) == (422, "too_many_rows")
    assert "PUT to imports/{import_id}" in many.json["detail"]


def test_a_small_workbook_goes_in_at_once(client, desk, host):
    route = desk.base.replace("imports", "listings/import")
    rows = [row.record.cells for row in read_sheet(LAKEVIEW).rows]
    content = listings(*rows, columns=tuple(GOOD))
    answer = client.post(
        f"{route}?filename=a.xlsx", data=content, content_type=XLSX, headers=host.headers
    )
    assert answer.json["counts"]["unchanged"] == 2
