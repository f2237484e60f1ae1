"""Booking and paying on the real servers, two clients at once among it."""

import threading

import pytest

from tests.e2e.site import Site, wish
from tests.smoke.clients import pay


@pytest.mark.fault(1)
def test_of_two_who_race_for_the_last_seat_one_gets_it(site: Site):
    for _ in range(3):
        place, rivals, answers = site.place(), [site.trainee(), site.trainee()], []
        together = threading.Barrier(2)

        def reach(who, place=place, together=together, answers=answers):
            together.wait()
            answers.append(who.send("POST", "/bookings", wish(place)))

        threads = [threading.Thread(target=reach, args=(who,)) for who in rivals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lost, won = sorted(answers, key=lambda answer: -answer.status_code)
        assert (won.status_code, lost.status_code) == (201, 409)
        assert lost.json()["code"] == "seat_taken"
        assert set(site.stage.taken(place).values()) == {1}


def test_a_payment_confirms_the_booking_and_its_receipt_comes_by_mail(site: Site):
    who, booking, path = site.asked()
    back = pay(site.page(who, path))
    assert back.startswith(f"{site.base}/api/v1/payments/return?session_id=cs_")
    site.await_state(who, booking, "confirmed")
    payment = who("GET", path)
    assert payment["status"] == "settled"
    assert payment["amount"] == booking["deposit"]
    receipt = site.mail.wait(who.person.email, "receipt-")
    assert site.mail.attachment(receipt).startswith(b"%PDF")
    own = who.send("GET", f"{path}/receipt")
    assert (own.headers["Content-Type"], own.content[:4]) == ("application/pdf", b"%PDF")
