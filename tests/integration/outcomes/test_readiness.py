"""A trainee's readiness over HTTP: their own record, and nobody's score."""

from datetime import date

from sqlalchemy import text

from marketplace.reporting.service.benchmarks import load_shipped


def test_a_trainee_reads_their_own_record_beside_what_is_published(
    done,
    link_of,
    stage,
    count_queries,
):
    with stage.transaction() as session:
        load_shipped(session, stage.now)
    letter = done.ask()
    done.agree(letter["id"])
    token = link_of(done.author)
    done.upload(token)
    done.call(None, "POST", f"/letters/uploads/{token}/confirmation")
    program = {"match_year": 2028, "program_code": "1403521234", "program_name": "Lakeview"}
    done.call(done.trainee, "POST", f"/letters/{letter['id']}/assignments", 201, json=program)
    done.call(
        done.trainee,
        "POST",
        f"/bookings/{done.booking_id}/attestation",
        201,
        json={"duties": ["shadowing"], "in_person": True},
    )
    with stage.transaction() as session:
        session.execute(
            text(
                "UPDATE trainee_profile SET target_specialty = 'internal_medicine',"
                " match_year = 2028 WHERE account_id = :id"
            ),
            {"id": done.trainee.id},
        )
    with count_queries() as seen:
        said = done.call(done.trainee, "GET", "/readiness").get_json()
    assert len(seen) <= 12
    assert (said["applicant_type"], said["match_year"]) == ("non_us_img", 2028)
    topics = {one["topic"]: one for one in said["topics"]}
    experience = topics["experience"]["own"]
    assert (experience["hands_on_months"], experience["attested_without_contact"]) == (1.0, 1)
    assert topics["letters"]["own"]["of_target_specialty"] == 1
    three = next(
        one for one in topics["experience"]["published"] if one["advice"]["unit"] == "months"
    )
    assert (three["own"], three["difference"], three["advice"]["status"]) == (
        1.0,
        -2.0,
        "seed_only",
    )
    assert topics["applications"]["own"]["programs_with_letters"] == 1
    assert topics["step_2_ck"]["contradictions"]
    assert topics["deadlines"]["missing"]
    names = str(said).lower()
    assert "readiness_score" not in names
    assert "chance of" not in names
    done.call(None, "GET", "/readiness", 401)
    empty = done.people.make("analyst")
    assert done.call(empty, "GET", "/readiness", 409).get_json()["code"] == "profile_needed"
    season = done.call(None, "GET", "/match-calendar/2027").get_json()
    deadline = {one["kind"]: one for one in season["dates"]}
    assert deadline["ecfmg_verified"]["last_day"] == deadline["rank_list_deadline"]["last_day"]
    assert done.call(None, "GET", "/match-calendar").get_json()["match_years"][0] == 2027
    done.call(None, "GET", "/match-calendar/2019", 404)
    assert date.fromisoformat(deadline["rank_list_deadline"]["last_day"]).year == 2027
