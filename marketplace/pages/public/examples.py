"""The examples of the API reference, in order. A test plays each of them on the demo's data.

What they book, ask for and change is undone again, so that they can be played again.
"""

from marketplace.pages.public.example_parts import NO_CONTENT, Call, Story

CREATED, ACCEPTED, NOT_FOUND = 201, 202, 404
NOT_PROCESSABLE, PRECONDITION_MISSING = 422, 428
PASSWORD = "a rotation in Chicago"  # noqa: S105 - the demo's, which is published


def _signs_in(name: str, email: str, says: str) -> Call:
    body = {"email": email, "password": PASSWORD}
    return Call(says, "auth_login", body=body, keeps={name: ".token"})


STORIES = (
    Story(
        "sign-in",
        "Sign in",
        "The demo's people. A token is sent with every call that is not public.",
        (
            _signs_in("STUDENT", "student@demo.test", "A student, who looks for a rotation."),
            _signs_in("OWNER", "owner@demo.test", "The owner of the sites."),
            _signs_in("ALUMNA", "priya@demo.test", "A graduate who has completed a rotation."),
            _signs_in("ANALYST", "analyst@demo.test", "An analyst of outcomes."),
            _signs_in("OPERATOR", "operator@demo.test", "The marketplace's own staff."),
            Call("Who a token is of.", "me_show", sent_by="STUDENT"),
        ),
    ),
    Story(
        "find",
        "Find a rotation",
        "Searching needs no account. Why a trainee may book, or not, is told rule by rule.",
        (
            Call(
                "Family medicine for a student with a visitor's visa: four weeks with patient contact.",
                "listings_search_listings",
                query={
                    "specialty": "FM",
                    "learner_status": "student",
                    "tier": "externship",
                    "visa": "B1/B2",
                    "weeks": "4",
                    "limit": "3",
                },
                keeps={"LISTING": ".items[0].id", "DAY": ".items[0].soonest_start"},
            ),
            Call(
                "The listing, with its tiers and their reasons.",
                "listings_show_listing",
                path={"listing_id": "$LISTING"},
            ),
            Call(
                "Its seats, week by week.",
                "availability_show_availability",
                path={"listing_id": "$LISTING"},
                query={"from": "$DAY", "weeks": "4"},
            ),
            Call(
                "May this student book it, and if not before a later day, from which one on?",
                "listings_show_eligibility",
                sent_by="STUDENT",
                path={"listing_id": "$LISTING"},
                query={"first_day": "$DAY", "weeks": "4"},
                keeps={"DAY": ".earliest // .first_day"},
            ),
            Call(
                "What duties amount to, before a listing is written.",
                "tiers_classify_duties",
                body={
                    "duties": ["history_taking", "physical_examination", "case_presentation"],
                    "setting": "inpatient",
                },
            ),
        ),
    ),
    Story(
        "book",
        "Keep a seat and pay the deposit",
        "A held seat costs nothing and is given up by itself after some minutes.",
        (
            Call(
                "Keep a seat in each week. The key makes it safe to send again after a broken"
                " connection: the first answer comes again, and no second seat is taken.",
                "bookings_hold",
                CREATED,
                "STUDENT",
                headers={"Idempotency-Key": "$DAY-$(date +%s)"},
                body={"listing_id": "$LISTING", "first_day": "$DAY", "weeks": 4},
                keeps={"BOOKING": ".id"},
            ),
            Call(
                "What would be paid now, line by line.",
                "bookings_quote_payment",
                sent_by="STUDENT",
                path={"booking_id": "$BOOKING"},
                body={},
            ),
            Call(
                "Ask to pay the deposit.",
                "bookings_pay",
                CREATED,
                "STUDENT",
                path={"booking_id": "$BOOKING"},
                body={},
                keeps={"PAYMENT": ".payment_id"},
            ),
            Call(
                "The payment, until it has its `checkout_url`: there the trainee pays, in the demo"
                " with the card 4242 4242 4242 4242. Then the booking is `confirmed`.",
                "payments_show",
                sent_by="STUDENT",
                path={"payment_id": "$PAYMENT"},
                until=".checkout_url",
            ),
            Call(
                "Which documents are missing, and by when.",
                "clearance_read",
                sent_by="STUDENT",
                path={"booking_id": "$BOOKING"},
            ),
            Call(
                "Give the seat up again. (Once it is paid: `/cancellation-quote`, then `/cancel`.)",
                "bookings_withdraw",
                sent_by="STUDENT",
                path={"booking_id": "$BOOKING"},
                body={},
            ),
        ),
    ),
    Story(
        "searches",
        "Be told of new listings",
        "What fits a saved search later is mailed, at most once a day.",
        (
            Call(
                "Save a search.",
                "saved_searches_save",
                CREATED,
                "STUDENT",
                body={
                    "name": "Cardiology in Texas",
                    "filters": {"specialty": "cardiology", "state": "TX"},
                },
                keeps={"SAVED": ".id"},
            ),
            Call(
                "What is saved.",
                "saved_searches_list_saved",
                sent_by="STUDENT",
            ),
            Call(
                "Delete it.",
                "saved_searches_remove",
                NO_CONTENT,
                "STUDENT",
                path={"saved_id": "$SAVED"},
            ),
        ),
    ),
    Story(
        "host",
        "A host's seats and roster",
        "What has a version is changed with the ETag that was read: nobody overwrites another.",
        (
            Call(
                "The sites that one works for.",
                "sites_list_sites",
                sent_by="OWNER",
                keeps={"SITE": ".items[0].id"},
            ),
            Call(
                "A site's listings.",
                "site_listings_list_listings",
                sent_by="OWNER",
                path={"site_id": "$SITE"},
                keeps={"OWN_LISTING": ".items[0].id"},
            ),
            Call(
                "The seats of a listing, with their ETag.",
                "site_listings_show_seats",
                sent_by="OWNER",
                path={"site_id": "$SITE", "listing_id": "$OWN_LISTING"},
                keeps={"WEEK": ".weeks[-1].week", "SEATS": ".weeks[-1].capacity"},
                etag="ETAG",
            ),
            Call(
                "So many seats in a week. Somebody changed them meanwhile: 412, and nothing is done.",
                "site_listings_set_seats",
                sent_by="OWNER",
                path={"site_id": "$SITE", "listing_id": "$OWN_LISTING"},
                headers={"If-Match": "$ETAG"},
                body={"first_week": "$WEEK", "last_week": "$WEEK", "capacity": 2},
                etag="ETAG",
            ),
            Call(
                "As many as before, with the ETag of the change.",
                "site_listings_set_seats",
                sent_by="OWNER",
                path={"site_id": "$SITE", "listing_id": "$OWN_LISTING"},
                headers={"If-Match": "$ETAG"},
                body={"first_week": "$WEEK", "last_week": "$WEEK", "capacity": "$$SEATS"},
            ),
            Call(
                "Who is there between two days.",
                "hosting_roster",
                sent_by="OWNER",
                path={"site_id": "$SITE"},
                query={"from": "2027-01-04", "to": "2027-03-28"},
            ),
            Call(
                "Who applies.",
                "applications_list_applications",
                sent_by="OWNER",
                path={"site_id": "$SITE"},
            ),
        ),
    ),
    Story(
        "letter",
        "A letter, and a certificate that can be checked",
        "A letter is asked for on a completed rotation; the author uploads it by a mailed link.",
        (
            Call(
                "The completed rotation.",
                "bookings_list_own",
                sent_by="ALUMNA",
                query={"state": "completed"},
                keeps={"ROTATION": ".items[0].id"},
            ),
            Call(
                "Ask for a letter, and waive reading it.",
                "letters_ask",
                CREATED,
                "ALUMNA",
                body={
                    "booking_id": "$ROTATION",
                    "waived": True,
                    "specialty": "family_medicine",
                    "message": "For family medicine, by September.",
                },
                keeps={"LETTER": ".id"},
            ),
            Call(
                "The site agrees and names the author, who gets the link by mail.",
                "letters_answer",
                sent_by="OWNER",
                path={"letter_id": "$LETTER"},
                body={
                    "agreed": True,
                    "strong": True,
                    "author_name": "Dr. Ruth Adeyemi",
                    "author_email": "ruth.adeyemi@demo.test",
                },
            ),
            Call(
                "How the letter stands: never what is in it.",
                "letters_read",
                sent_by="ALUMNA",
                path={"letter_id": "$LETTER"},
            ),
            Call(
                "Take the request back, while there is no letter.",
                "letters_withdraw",
                sent_by="ALUMNA",
                path={"letter_id": "$LETTER"},
            ),
            Call(
                "A certificate of the rotation.",
                "papers_issue",
                sent_by="ALUMNA",
                path={"booking_id": "$ROTATION"},
                body={"kind": "completion_certificate"},
                keeps={"CODE": '.check_address | split("/")[-1]'},
            ),
            Call(
                "What it states, and whether it stands: for everybody who has the paper.",
                "papers_check",
                path={"code": "$CODE"},
            ),
        ),
    ),
    Story(
        "outcomes",
        "Reports and exports of outcomes",
        "Published reports are for everybody, exports for analysts.",
        (
            Call(
                "The Match years that a report is published of.",
                "reports_list_years",
                keeps={"YEAR": ".match_years[0]"},
            ),
            Call(
                "The report: the very bytes that were frozen.",
                "reports_read_published",
                path={"match_year": "$YEAR"},
            ),
            Call(
                "Ask for the outcomes as files, without names.",
                "exports_ask",
                ACCEPTED,
                "ANALYST",
                body={"match_year": 2024, "profile": "pii_free"},
                keeps={"EXPORT": ".id"},
            ),
            Call(
                "How far it is, until its files are ready.",
                "exports_read",
                sent_by="ANALYST",
                path={"export_id": "$EXPORT"},
                until=".files",
            ),
            Call(
                "One of the files: what each column means.",
                "exports_download",
                sent_by="ANALYST",
                path={"export_id": "$EXPORT", "name": "codebook.json"},
            ),
        ),
    ),
    Story(
        "desk",
        "The staff's queues and the books",
        "For operators.",
        (
            Call(
                "Sites to look at, the longest-waiting first.",
                "operator_sites_list_waiting_sites",
                sent_by="OPERATOR",
            ),
            Call(
                "Who did what: the audit trail, the newest first.",
                "compliance_audit",
                sent_by="OPERATOR",
                query={"limit": "5"},
            ),
            Call(
                "The books: in each currency they sum to zero.",
                "money_trial_balance",
                sent_by="OPERATOR",
            ),
        ),
    ),
    Story(
        "webhooks",
        "What happened, sent to you",
        "Webhooks by the Standard Webhooks specification.",
        (
            Call(
                "What can be told, each with its JSON Schema and an example.",
                "webhooks_event_types",
            ),
            Call(
                "Where a site is told now.",
                "site_webhooks_list_endpoints",
                sent_by="OWNER",
                path={"site_id": "$SITE"},
            ),
        ),
    ),
    Story(
        "problems",
        "When something is not as expected",
        "Problems are told by RFC 9457: `code` is what a program reads, `fields` says where.",
        (
            Call(
                "A first day that is no Monday, and weeks that are none.",
                "bookings_hold",
                NOT_PROCESSABLE,
                "STUDENT",
                body={"listing_id": "$LISTING", "first_day": "2027-02-02", "weeks": 0},
            ),
            Call(
                "A change without the version that was read.",
                "site_listings_set_seats",
                PRECONDITION_MISSING,
                "OWNER",
                path={"site_id": "$SITE", "listing_id": "$OWN_LISTING"},
                body={"first_week": "$WEEK", "last_week": "$WEEK", "capacity": 2},
            ),
            Call(
                "Somebody else's booking is nobody's business.",
                "bookings_read",
                NOT_FOUND,
                "ANALYST",
                path={"booking_id": "$ROTATION"},
            ),
        ),
    ),
)
