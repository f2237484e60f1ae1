"""The story, step by step; each step is a client's, and each thing it says is checked."""

import csv
import io
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from tests.smoke.clients import Api, Mailbox, StoryBroken, Terminal, hold, link_in, pay, until

PASSWORD = "a rotation in Houston"
SHEET = "marketplace/catalog/data/host_listings.csv"
PANEL = "marketplace/reporting/data/sample_panel.csv"
FIRST_DAY = date(2027, 3, 1)
WEEKS = 4
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000053 00000 n \n0000000103 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF\n"


class Story:
    """One playing of it; `timings` has seconds a step, `facts` what was seen."""

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.base = environment["PUBLIC_URL"]
        self.terminal = Terminal(environment)
        self.mail = Mailbox(environment["MAIL_SINK_URL"])
        self.say = say
        self.timings: dict[str, float] = {}
        self.facts: dict[str, Any] = {}

    def play(self) -> None:
        for step in (
            self.people,
            self.spreadsheet,
            self.sites,
            self.review,
            self.trainee,
            self.search,
            self.hold_and_pay,
            self.second_trainee,
            self.school,
            self.rotation,
            self.evaluation_and_letter,
            self.match,
            self.export,
            self.books,
        ):
            began = time.monotonic()
            step()
            self.timings[step.__name__] = round(time.monotonic() - began, 2)
            self.say(f"· {step.__name__.replace('_', ' ')}: {self.timings[step.__name__]} s")

    def api(self, email: str) -> Api:
        return Api(self.base).sign_in(email, PASSWORD)

    def people(self) -> None:
        def create(email: str, name: str, *role: str) -> tuple[str, ...]:
            return ("accounts", "create", email, "--name", name, "--password", PASSWORD, *role)

        self.terminal.together(
            create("owner@host.test", "Morgan Reyes"),
            create("operator@host.test", "Alex Kim", "--role", "operator"),
            create("analyst@host.test", "Noor Haddad", "--role", "analyst"),
            ("outcomes", "load-benchmarks"),
            ("outcomes", "import-panel", PANEL, "--year", "2024"),
        )

    def spreadsheet(self) -> None:
        order = ("listings", "import", SHEET, "--site-owner", "owner@host.test")
        dry, again = self.terminal.together(order, order)
        hold(dry == again and "nothing was changed" in dry, "a dry run changes nothing", dry)
        done = self.terminal(*order, "--commit", "--publish")
        for oddity in (
            "MIA-SUR-02", "LA-PED-01", "ATL-GI-01", "DEN-PMR-01", "BOS-OBG-01", "SEA-EM-01",
            "PHX-CAR-01", "STL-ALL-01", "BOS-DER-01",
        ):  # fmt: skip
            hold(refused(done, oddity), f"{oddity} is refused", done)
        for fixed in ("CHI-IM-02", "PHL-NEP-01"):
            hold(not refused(done, fixed), f"{fixed} is fixed and taken", done)
        repeated = self.terminal(*order, "--commit")
        summary = repeated.splitlines()[-1]
        hold("unchanged" in summary and "created" not in summary and "changed" not in
             summary.replace("unchanged", ""), "importing twice changes nothing", summary)  # fmt: skip
        self.facts["import"] = summary

    def sites(self) -> None:
        found = Api(self.base)("GET", "/listings")
        hold(found["total"] == 0, "nothing of a site that nobody has verified is public", found)
        operator = self.api("operator@host.test")
        queue = operator("GET", "/operator/sites", params={"limit": 100})["items"]
        hold(len(queue) == 9, "every site waits for a look", len(queue))
        for entry in queue:
            operator(
                "POST",
                f"/operator/sites/{entry['site']['id']}/verification",
                {"verified": True, "kind": "npi_registry", "reference": "1234567893"},
            )
        left = operator("GET", "/operator/sites")["items"]
        hold(left == [], "and none does any more", left)
        found = Api(self.base)("GET", "/listings")
        hold(found["total"] == 11, "what waited for that alone is public", found["total"])

    def review(self) -> None:
        operator = self.api("operator@host.test")
        queue = operator("GET", "/operator/listings/reviews")["items"]
        named = {entry["listing"]["external_id"]: entry for entry in queue}
        hold(
            "HOU-FM-01" in named, "the hands-on title over shadowing waits for review", named.keys()
        )
        entry = named["HOU-FM-01"]
        decided = operator(
            "POST",
            f"/operator/listings/reviews/{entry['id']}/decision",
            {"approve": False, "reason": "Shadowing is not hands-on; please mend the title."},
        )
        hold(decided["tiers"], "the tiers stay computed", decided)
        self.facts["waiting_for_review"] = sorted(named)

    def trainee(self) -> None:
        anyone = Api(self.base)
        people = {
            "ana@example.org": "Ana Souza",
            "ben@example.org": "Ben Osei",
            "efua@school.test": "Efua Mensah",
        }
        for email, name in people.items():
            anyone("POST", "/auth/register", {"email": email, "password": PASSWORD, "name": name})
        refused = anyone(
            "POST", "/auth/login", {"email": "ana@example.org", "password": PASSWORD}, expect=403
        )
        hold(refused["code"], "an unconfirmed address does not sign in", refused)
        for email in people:
            message = self.mail.wait(email, "token=")
            token = link_in(message, r"token=([\w.~-]+)")
            anyone.send("GET", f"/auth/confirm?token={token}")
            still = anyone.send("POST", "/auth/login", {"email": email, "password": PASSWORD})
            hold(still.status_code == 403, "opening the link confirms nothing", still.text)
            anyone("POST", "/auth/confirm", {"token": token})
        self.ana, self.ben = self.api("ana@example.org"), self.api("ben@example.org")
        for who, school in ((self.ana, "BR"), (self.ben, "GH")):
            who.update(
                "PUT",
                "/me/profile",
                {
                    "school_country": school,
                    "citizenship": "other",
                    "needs_visa": True,
                    "visa_type": "b1_b2",
                    "graduation_date": "2024-07-31",
                    "step1_result": "passed",
                    "step2_ck_score": 244,
                    "target_specialty": "family_medicine",
                },
            )

    def search(self) -> None:
        found = self.ana(
            "GET",
            "/listings",
            params={
                "q": "family externship",
                "specialty": "family_medicine",
                "tier": "externship",
                "state": "TX",
                "weeks": WEEKS,
                "start_from": FIRST_DAY.isoformat(),
                "start_to": FIRST_DAY.isoformat(),
                "price_max": 200000,
                "currency": "USD",
            },
        )
        titles = [item["title"] for item in found["items"]]
        hold(titles == ["Family Medicine Externship"], "the search finds the one that fits", titles)
        self.listing = found["items"][0]
        told = self.eligible(self.ana, self.listing["id"])
        hold(told["may_book"] and told["tier"] == "externship", "they may book it, and why", told)
        hidden = self.ana("GET", "/listings", params={"q": "neurology elective"})["items"]
        hold(hidden == [], "what has no tier for graduates is not offered to one", hidden)
        found = Api(self.base)("GET", "/listings", params={"q": "neurology elective"})
        students_only = found["items"][0]
        told = self.eligible(self.ana, students_only["id"])
        reasons = [rule for rule in told["results"] if rule["outcome"] == "fail"]
        hold(not told["may_book"] and reasons, "they may not book this one, and why", told)
        self.facts["why_not"] = [rule["sentence"] for rule in reasons]

    def eligible(self, who: Api, listing: str) -> Any:
        when = {"first_day": FIRST_DAY.isoformat(), "weeks": WEEKS}
        return who("GET", f"/listings/{listing}/eligibility", params=when)

    def hold_and_pay(self) -> None:
        owner = self.api("owner@host.test")
        self.owner, self.site = owner, self.listing["site_id"]
        weeks = [FIRST_DAY + timedelta(weeks=count) for count in range(WEEKS)]
        owner.update(
            "PUT",
            f"/sites/{self.site}/listings/{self.listing['id']}/seats",
            {"first_week": str(weeks[0]), "last_week": str(weeks[-1]), "capacity": 1},
        )
        wish = {"listing_id": self.listing["id"], "first_day": str(FIRST_DAY), "weeks": WEEKS}
        booking = self.ana("POST", "/bookings", wish, expect=201)
        hold(booking["state"] == "held", "the seats are held", booking["state"])
        lines = sum(line["amount"]["amount"] for line in booking["price_lines"])
        hold(lines == booking["total"]["amount"], "the lines sum to the price", booking)
        self.taken = self.ben("POST", "/bookings", wish, expect=409)
        self.booking, settled = self.confirmed(self.ana, booking)
        hold(settled["amount"] == booking["deposit"], "the deposit was paid, no more", settled)
        receipt = self.mail.wait("ana@example.org", "receipt-")
        hold(self.mail.attachment(receipt).startswith(b"%PDF"), "the receipt is a PDF by mail")
        self.facts["price"] = booking["price_lines"]
        self.facts["deposit"] = booking["deposit"]

    def confirmed(self, who: Api, booking: Any) -> tuple[Any, Any]:
        """Pay for a seat that is held, on the hosted page; the booking and the payment then."""
        asked = who("POST", f"/bookings/{booking['id']}/payments", {}, expect=201)
        path = f"/payments/{asked['payment_id']}"
        payment = until(
            "the payment page", lambda: (got := who("GET", path))["checkout_url"] and got
        )
        back = pay(payment["checkout_url"])
        hold(back.startswith(self.base), "the page sends one back to us", back)
        done = until(
            "the webhook's confirmation",
            lambda: (
                (got := who("GET", f"/bookings/{booking['id']}"))["state"] == "confirmed" and got
            ),
        )
        return done, who("GET", path)

    def second_trainee(self) -> None:
        hold(self.taken["code"] == "seat_taken", "the second is told at once", self.taken)
        free = self.ben("GET", f"/listings/{self.listing['id']}/availability",
                        params={"from": str(FIRST_DAY), "weeks": WEEKS})  # fmt: skip
        hold([week["free"] for week in free["weeks"]] == [0] * WEEKS, "no seat is free", free)
        foreign = self.ben.send("GET", f"/bookings/{self.booking['id']}")
        hold(foreign.status_code == 404, "another's booking is not to be seen", foreign.text)

    def school(self) -> None:
        """His school takes him as its student, and says yes before he can pay for other weeks."""
        operator, name = self.api("operator@host.test"), "Volta Medical School"
        school = operator("POST", "/operator/schools", {"name": name, "country": "GH"})["id"]
        at = f"/schools/{school}"
        operator("POST", f"/operator{at}/coordinators", {"email": "efua@school.test"}, expect=201)
        seen = {"verified": True, "kind": "directory", "reference": "F0001234"}
        operator("POST", f"/operator{at}/verification", seen)
        efua, ben = self.api("efua@school.test"), self.ben
        efua("POST", f"{at}/students", {"email": "ben@example.org"}, expect=201)
        link = link_in(self.mail.wait("ben@example.org", "schools/invitations/"),
                       r"(/schools/invitations/[\w.~-]+)")  # fmt: skip
        shown = ben("GET", link)
        ben("POST", f"{link}/acceptance", {"sees": ["bookings"], "wording": shown["wording"]})
        day = FIRST_DAY + timedelta(weeks=WEEKS)
        wish = {"listing_id": self.listing["id"], "first_day": str(day), "weeks": WEEKS}
        booking = ben("POST", "/bookings", wish, expect=201)
        path = f"/bookings/{booking['id']}"
        ben("POST", f"{path}/school-request", {"message": "It counts for me."}, expect=201)
        refused = ben("POST", f"{path}/payments", {}, expect=409)
        hold(refused["code"] == "school_approval_needed", "nothing is paid before", refused)
        asked = efua("GET", f"{at}/requests")["items"]
        hold([one["student_name"] for one in asked] == ["Ben Osei"], "the school is asked", asked)
        efua("POST", f"{at}/requests/{booking['id']}/approve")
        done, _ = self.confirmed(ben, booking)
        hold(done["school_id"] == school, "it went through his school", done)

    def rotation(self) -> None:
        self.advance_to(FIRST_DAY)
        self.terminal("jobs", "run", "booking.start_due")
        path = f"/bookings/{self.booking['id']}"
        span = {"from": str(FIRST_DAY), "to": str(FIRST_DAY + timedelta(weeks=WEEKS, days=-1))}
        roster = self.owner("GET", f"/sites/{self.site}/roster", params=span)["items"]
        hold([row["trainee_name"] for row in roster] == ["Ana Souza"], "the roster has her", roster)
        hold(roster[0]["state"] == "in_progress", "the rotation has begun", roster)
        self.advance_to(FIRST_DAY + timedelta(weeks=WEEKS))
        days = [FIRST_DAY + timedelta(days=count) for count in range(7 * WEEKS)]
        marks = [{"day": str(day), "mark": "present"} for day in days if day.weekday() < 5]
        self.owner("POST", f"{path}/attendance", {"days": marks})
        done = self.owner("POST", f"{path}/complete")
        hold(done["state"] == "completed", "the rotation is completed", done["state"])
        self.facts["days_attended"] = len(marks)

    def advance_to(self, day: date) -> None:
        """Move everybody's clock to the morning of `day` in Texas."""
        self.terminal("clock", "set", f"{day}T15:00")

    def evaluation_and_letter(self) -> None:
        path = f"/bookings/{self.booking['id']}"
        skills = ("patient_care", "medical_knowledge", "practice_based_learning",
                  "communication", "professionalism", "systems_based_practice")  # fmt: skip
        self.owner("POST", f"{path}/evaluations", {
            "scores": dict.fromkeys(skills, 4), "comments": "Careful and kind.",
            "shown_to_trainee": True})  # fmt: skip
        attested = self.ana("POST", f"{path}/attestation", {
            "duties": ["history_taking", "physical_examination"], "in_person": True})  # fmt: skip
        hold(attested["direct_contact"], "the attested duties are hands-on", attested)
        letter = self.ana("POST", "/letters", {
            "booking_id": self.booking["id"], "waived": True, "message": "For family medicine.",
            "specialty": "family_medicine"}, expect=201)  # fmt: skip
        at = f"/letters/{letter['id']}"
        self.owner("POST", f"{at}/answer", {"agreed": True, "strong": True,
                   "author_name": "Dr. Grace Okonkwo", "author_email": "grace@author.test"})  # fmt: skip
        link = link_in(self.mail.wait("grace@author.test", "letters/uploads/"),
                       r"(/letters/uploads/[\w.~-]+)")  # fmt: skip
        author = Api(self.base)
        author("GET", link)
        author("GET", link)
        author("PUT", link, PDF, headers={"Content-Type": "application/pdf"})
        confirmed = author("POST", f"{link}/confirmation")
        hold(confirmed["confirmed_at"], "the letter is confirmed", confirmed)
        refused = self.ana.send("GET", f"{at}/content")
        hold(refused.status_code in {403, 404}, "she can't read it", refused.status_code)
        hold(b"%PDF" not in refused.content, "nor any of it")
        changed = self.ana.send("PUT", f"{at}/waiver", {"waived": False})
        hold(changed.status_code >= 400, "nor take the waiver back", changed.status_code)
        self.facts["letter"] = confirmed["letter_code"]

    def match(self) -> None:
        own = self.ana("PUT", "/match-outcomes/2027", {"registered": True, "certified_rol": True,
                       "main_result": "matched_pgy1", "specialty": "family_medicine"})  # fmt: skip
        hold("self_reported" in str(own["provenance"]), "her own word is marked as such", own)
        analyst = self.api("analyst@host.test")
        first = self.freeze(analyst)
        record = analyst("GET", "/match-outcomes/records",
                         params={"match_year": 2024, "external_id": "S0004"})["items"][0]  # fmt: skip
        analyst("POST", f"/match-outcomes/{record['id']}/entries", {
            "values": {"main_result": "matched_pgy1"}, "source": "document_verified",
            "evidence": "The program's letter of 2024-03-20."}, expect=201)  # fmt: skip
        second = self.freeze(analyst)
        before = analyst("GET", f"/reports/runs/{first['id']}/report")
        after = analyst("GET", f"/reports/runs/{second['id']}/report")
        again = self.freeze(analyst, as_of=first["as_of"])
        hold(again["result_sha256"] == first["result_sha256"], "as of a date, the same for ever")
        groups = before["groups"]["all"], after["groups"]["all"]
        hold(groups[1]["matched_pgy1"] == groups[0]["matched_pgy1"] + 1, "the correction counts")
        self.check_figures(after)
        self.freeze(analyst, public=True)
        public = Api(self.base)("GET", "/reports/match/2024")
        hold(public["public"], "the public report is the suppressed one", list(public))
        self.facts["match_rate"] = after["groups"]["all"]["match_rate"]
        self.facts["claims"] = [claim["text"] for claim in after["claims"]]

    def freeze(self, analyst: Api, as_of: str | None = None, *, public: bool = False) -> Any:
        body = {"public": public} | ({"as_of": as_of} if as_of else {})
        run = analyst("POST", "/reports/match/2024/runs", body, expect=202)
        path = f"/reports/runs/{run['id']}"
        return until("the report", lambda: (got := analyst("GET", path))["frozen_at"] and got)

    def check_figures(self, report: Any) -> None:
        for name in ("all", "us_img", "non_us_img"):
            group = report["groups"][name]
            for figure in ("eligible", "active_applicants", "match_rate", "wilson95", "aapor",
                           "manski_unknown_applicants", "matched_by_source"):  # fmt: skip
                hold(group.get(figure) is not None, f"{name} has {figure}", sorted(group))
            low, high = group["wilson95"]
            hold(low < group["match_rate"] < high, "the interval holds the rate", group["wilson95"])
        hold(report["groups"]["us_img"]["p_two_sided"] is not None, "an exact test is made")

    def export(self) -> None:
        analyst = self.api("analyst@host.test")
        run = analyst("POST", "/exports", {"match_year": 2024, "profile": "pii_free"}, expect=202)
        path = f"/exports/{run['id']}"
        ready = until(
            "the export", lambda: (got := analyst("GET", path))["state"] == "ready" and got
        )
        files = {
            file["name"]: analyst.send("GET", f"{path}/files/{file['name']}")
            for file in ready["files"]
        }
        table = next(answer.text for name, answer in files.items() if name.endswith(".csv"))
        rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
        hold(len(rows) == ready["row_count"] == 300, "one row a person", len(rows))
        codebook = files["codebook.json"].json()
        described = {variable["name"] for variable in codebook["variables"]}
        hold(set(rows[0]) == described, "the codebook has every column", set(rows[0]) ^ described)
        self.facts["exported"] = {"rows": len(rows), "files": sorted(files)}

    def books(self) -> None:
        operator = self.api("operator@host.test")
        balance = operator("GET", "/operator/ledger/trial-balance")
        hold(all(entry["amount"] == 0 for entry in balance["sums"]), "the books balance", balance)
        self.terminal.together(("check",), ("payments", "reconcile"))


def refused(output: str, listing: str) -> bool:
    """Tell whether the import's table has this listing among the refused."""
    lines = [line.split() for line in output.splitlines() if listing in line.split()]
    if not lines:
        raise StoryBroken(f"{listing} is not in the table")
    return any("refused" in line for line in lines)
