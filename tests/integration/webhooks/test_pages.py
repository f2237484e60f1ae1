"""The pages of webhooks: what went out, and the buttons that send it again."""

import re

import pytest

from tests.integration.pages.test_pages import Browser


@pytest.fixture
def browser(client):
    return Browser(client)


def test_a_host_sees_what_failed_and_sends_it_again(
    browser, host, people, stage, place, receiver, run_jobs
):
    made = host.make("booking.submitted")
    receiver.status = 500
    stage.submitted(place)
    run_jobs()
    browser.sign_in(host.person, going_to="/webhooks")
    browser.get("/webhooks")
    link = f"/webhooks/sites/{place.site_id}/{made['id']}"
    assert f'href="{link}"' in browser.body
    assert "Lakeview Community Hospital" in browser.body
    browser.get(link)
    assert "booking.submitted" in browser.body
    assert "On its way" in browser.body
    (delivery,) = host.deliveries(made)
    browser.get(f"{link}/deliveries/{delivery['id']}")
    assert "Answered 500" in browser.body
    receiver.status = 200
    sent = browser.send(f"{link}/deliveries/{delivery['id']}/replay")
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{link}?asked=yes")
    browser.get(f"{link}?asked=yes")
    assert "It is being sent" in browser.body
    assert 'http-equiv="refresh"' in browser.body
    run_jobs()
    browser.get(f"{link}?asked=yes")
    assert "What came of it is below." in browser.body
    browser.get(f"{link}?state=delivered")
    assert "booking.submitted" in browser.body
    browser.send(f"{link}/ping")
    browser.get(link)
    browser.send(f"{link}/replays")
    run_jobs()
    assert receiver.types() == ["booking.submitted", "booking.submitted", "ping"]
    refused = browser.client.post(f"{link}/ping", data={"csrf_token": "forged"})
    assert refused.status_code == 403

    reads = people.make("coordinator", site_id=place.site_id, locale="es")
    other = Browser(browser.client.application.test_client())
    other.sign_in(reads, going_to="/webhooks")
    other.get(f"{link}/deliveries/{delivery['id']}")
    assert "Respondió 500; solo 2xx dice" in other.body
    other.get(link)
    assert "Envíos" in other.body
    assert "Enviar de nuevo" not in other.body
    token = re.search(r'name="csrf_token" value="([^"]+)"', other.body)[1]
    forbidden = other.client.post(f"{link}/ping", data={"csrf_token": token})
    assert forbidden.status_code == 403
    stranger = Browser(browser.client.application.test_client())
    stranger.sign_in(people.trainee(), going_to="/webhooks")
    assert stranger.get(link).status_code == 404
    assert stranger.get("/webhooks").status_code == 200
