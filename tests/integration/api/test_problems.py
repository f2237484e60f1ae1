"""What a problem document says to the person who sent the wrong thing."""

WRONG = {"listing_id": "no id", "first_day": "soon", "weeks": 0}


def test_the_detail_names_a_field_and_how_many_more_there_are(client, people):
    answer = client.post("/api/v1/bookings", json=WRONG, headers=people.trainee().headers)
    problem = answer.get_json()
    assert answer.status_code == 422
    assert problem["fields"].keys() == WRONG.keys()
    told = {f"{name}: {texts[0]} (2 more in fields.)" for name, texts in problem["fields"].items()}
    assert problem["detail"] in told
