"""Rules that the profile decides: audience, tier, Step 1, Step 2 CK, English, visa, documents."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from marketplace.catalog.rules import english as tests
from marketplace.catalog.rules.eligibility.answers import (
    Evidence,
    Needed,
    Outcome,
    RuleResult,
    Source,
)
from marketplace.catalog.rules.eligibility.asking import (
    STEP1_FAILED,
    STEP1_PASSED,
    WITH_BOOKING,
    Asked,
    field_of_profile,
    listed,
)
from marketplace.catalog.rules.vocabulary import ANY_VISA, NO_VISA, Audience, accepted_as
from marketplace.identity.rules import LearnerStatus, learner_status

OET_PARTS = ("listening", "reading", "writing", "speaking")


def audience(asked: Asked) -> RuleResult:
    """The listing admits the learner status of the first day."""
    admitted = asked.listing.audience
    if admitted == Audience.BOTH:
        sentence = "Students and graduates are admitted."
        return RuleResult("audience", Outcome.PASS, sentence, (listed("audience", admitted),))
    graduation = asked.profile.graduation_date
    told = asked.told("graduation_date", graduation)
    if graduation is None:
        return RuleResult(
            "audience",
            Outcome.UNKNOWN,
            f"Only {admitted} are admitted; your graduation date is not known.",
            (listed("audience", admitted), told),
            "Add your graduation date to your profile, past or expected.",
            needed=(field_of_profile("graduation_date"),),
        )
    status = learner_status(graduation, asked.first_day)
    evidence = (
        listed("audience", admitted),
        told,
        Evidence("status_on_first_day", status.value, told.source),
    )
    if admitted == f"{status.value}s":
        sentence = f"On the first day you are a {status.value}; {admitted} are admitted."
        return RuleResult("audience", Outcome.PASS, sentence, evidence)
    earliest = asked.earliest(lambda day: f"{learner_status(graduation, day).value}s" == admitted)
    return RuleResult(
        "audience",
        Outcome.FAIL,
        f"Only {admitted} are admitted; on the first day you are a {status.value}.",
        evidence,
        _when(status, earliest),
        earliest,
    )


def _when(status: LearnerStatus, earliest: date | None) -> str:
    if earliest is None:
        return f"Look for listings that admit {status.value}s."
    if status is LearnerStatus.STUDENT:
        return f"Choose {earliest} or later, after you graduate."
    return f"Choose {earliest} or later, before you graduate."


def tier(asked: Asked) -> RuleResult:
    """What it counts as for this trainee on that day."""
    graduation = asked.profile.graduation_date
    told = asked.told("graduation_date", graduation)
    by_status = {
        LearnerStatus.STUDENT: asked.listing.tier_student,
        LearnerStatus.GRADUATE: asked.listing.tier_graduate,
    }
    offered = {found for found in by_status.values() if found}
    evidence = tuple(
        listed(f"tier_{status}", found) for status, found in by_status.items() if found
    )
    if graduation is None and len(offered) > 1:
        words = ", ".join(f"{found} for {status}s" for status, found in by_status.items() if found)
        return RuleResult(
            "tier",
            Outcome.UNKNOWN,
            f"It counts as {words}; your graduation date is not known.",
            (*evidence, told),
            "Add your graduation date to your profile, past or expected.",
            needed=(field_of_profile("graduation_date"),),
            blocks=False,
        )
    found = next(iter(offered), None)
    if graduation is not None:
        status = learner_status(graduation, asked.first_day)
        found = by_status[status]
        if found is None:
            sentence = f"It is not offered to {status.value}s, so it has no tier for you."
            return RuleResult(
                "tier",
                Outcome.FAIL,
                sentence,
                (*evidence, told),
                f"Look for listings that admit {status.value}s.",
                blocks=False,
            )
    return RuleResult(
        "tier", Outcome.PASS, f"For you it counts as {found}.", (*evidence, told), blocks=False
    )


def step1(asked: Asked) -> RuleResult:
    """Step 1 is passed, where it is asked for."""
    wanted = listed("step1_required", "yes" if asked.listing.step1_required else "no")
    if not asked.listing.step1_required:
        return RuleResult("step1", Outcome.PASS, "Step 1 is not asked for.", (wanted,))
    result = asked.profile.step1_result
    evidence = (wanted, asked.told("step1_result", result))
    if result == STEP1_PASSED:
        return RuleResult("step1", Outcome.PASS, "Step 1 is passed.", evidence)
    if result == STEP1_FAILED:
        action = "Pass Step 1 and add the result to your profile."
        return RuleResult("step1", Outcome.FAIL, "Step 1 must be passed.", evidence, action)
    return RuleResult(
        "step1",
        Outcome.UNKNOWN,
        "Step 1 must be passed; your result is not known.",
        evidence,
        "Add your Step 1 result to your profile.",
        needed=(field_of_profile("step1_result"),),
    )


def step2(asked: Asked) -> RuleResult:
    """Step 2 CK reaches the least score, where there is one."""
    least, score = asked.listing.step2_min, asked.profile.step2_ck_score
    if least is None:
        return RuleResult("step2_ck", Outcome.PASS, "Step 2 CK is not asked for.")
    evidence = (listed("step2_min", least), asked.told("step2_ck_score", score))
    if score is None:
        return RuleResult(
            "step2_ck",
            Outcome.UNKNOWN,
            f"Step 2 CK of at least {least} is asked for; your score is not known.",
            evidence,
            "Add your Step 2 CK score to your profile.",
            needed=(field_of_profile("step2_ck_score"),),
        )
    if score >= least:
        sentence = f"Your Step 2 CK score of {score} is at least {least}."
        return RuleResult("step2_ck", Outcome.PASS, sentence, evidence)
    return RuleResult(
        "step2_ck",
        Outcome.FAIL,
        f"Step 2 CK of at least {least} is asked for; yours is {score}.",
        evidence,
        f"Look for listings that ask for {score} or less.",
    )


def english(asked: Asked) -> RuleResult:
    """One of the proofs of English that the listing accepts is there."""
    terms = asked.listing.english
    if not terms.asked:
        return RuleResult("english", Outcome.PASS, "English is not asked for.")
    wanted = listed("english", tests.text_of(terms))
    told = asked.profile.english
    if not told:
        return _english_unknown("Which proof of English you have is not known.", wanted, asked)
    test = str(told.get("test"))
    if test == "native":
        evidence = (wanted, asked.told("english", "native"))
        if terms.native:
            sentence = "Native speakers are accepted."
            return RuleResult("english", Outcome.PASS, sentence, evidence)
        return _english_failed("A test is asked for.", evidence, terms)
    least = terms.least.get(test)
    if least is None:
        evidence = (wanted, asked.told("english", test))
        return _english_failed("Your test is not accepted here.", evidence, terms)
    scores = _scores(test, told.get("scores") or {})
    shown = "; ".join(f"{part} {score}" for part, score in scores.items() if score is not None)
    evidence = (wanted, asked.told("english", f"{test}: {shown}" if shown else test))
    known = [score for score in scores.values() if score is not None]
    if any(score < least for score in known):
        return _english_failed(f"At least {least} is asked for.", evidence, terms)
    if len(known) < len(scores):
        return _english_unknown("Not all of your scores are known.", wanted, asked)
    return RuleResult("english", Outcome.PASS, f"Your scores reach {least}.", evidence)


def _scores(test: str, told: Mapping[str, object]) -> dict[str, Decimal | None]:
    """Each part that counts: all four of OET, the whole of the others."""
    parts = OET_PARTS if test == "oet" else ("overall",)
    given = {part: told.get(part) for part in parts}
    return {part: None if score is None else Decimal(str(score)) for part, score in given.items()}


def _english_unknown(sentence: str, wanted: Evidence, asked: Asked) -> RuleResult:
    return RuleResult(
        "english",
        Outcome.UNKNOWN,
        f"{sentence} Accepted: {wanted.value}.",
        (wanted, asked.told("english", None)),
        "Add your test of English and its scores by part to your profile.",
        needed=(field_of_profile("english"),),
    )


def _english_failed(
    sentence: str, evidence: tuple[Evidence, ...], terms: tests.EnglishTerms
) -> RuleResult:
    accepted = tests.text_of(terms)
    return RuleResult(
        "english",
        Outcome.FAIL,
        f"{sentence} Accepted: {accepted}.",
        evidence,
        f"Show one of: {accepted}; then add it to your profile.",
    )


def visa(asked: Asked) -> RuleResult:
    """Whoever needs a visa comes on one that the site accepts."""
    accepted, profile = list(asked.listing.visa_types), asked.profile
    evidence = (
        listed("visa_types", ";".join(accepted)),
        asked.told("needs_visa", {None: None, True: "yes", False: "no"}[profile.needs_visa]),
        asked.told("visa_type", profile.visa_type),
    )
    if NO_VISA in accepted:
        return RuleResult("visa", Outcome.PASS, "No visa is needed.", evidence)
    if profile.needs_visa is False:
        return RuleResult("visa", Outcome.PASS, "You need no visa.", evidence)
    if profile.needs_visa is None:
        return RuleResult(
            "visa",
            Outcome.UNKNOWN,
            "Whether you need a visa is not known.",
            evidence,
            "Say in your profile whether you need a visa.",
            needed=(field_of_profile("needs_visa"),),
        )
    if ANY_VISA in accepted:
        return RuleResult("visa", Outcome.PASS, "Any visa is accepted.", evidence)
    return _visa_of(profile.visa_type, accepted, evidence)


def _visa_of(held: str | None, accepted: list[str], evidence: tuple[Evidence, ...]) -> RuleResult:
    if not held:
        return RuleResult(
            "visa",
            Outcome.UNKNOWN,
            f"Accepted: {', '.join(accepted)}; which visa you have or expect is not known.",
            evidence,
            "Add the visa that you have or apply for to your profile.",
            needed=(field_of_profile("visa_type"),),
        )
    known = accepted_as(held)
    if known in accepted:
        return RuleResult("visa", Outcome.PASS, f"{known} is accepted.", evidence)
    return RuleResult(
        "visa",
        Outcome.FAIL,
        f"{known or 'Your visa'} is not accepted here; accepted: {', '.join(accepted)}.",
        evidence,
        "Look for listings that accept your visa.",
    )


def documents(asked: Asked) -> RuleResult:
    """What the site wants to see before the first day; a booking can be made without."""
    wanted = list(asked.listing.documents)
    if not wanted:
        return RuleResult("documents", Outcome.PASS, "No documents are asked for.", blocks=False)
    missing = [name for name in wanted if name not in asked.documents]
    evidence = tuple(
        Evidence(name, "accepted" if name in asked.documents else None, Source.DOCUMENT)
        for name in wanted
    )
    if not missing:
        sentence = "All documents have been accepted."
        return RuleResult("documents", Outcome.PASS, sentence, evidence, blocks=False)
    spoken = ", ".join(name.replace("_", " ") for name in missing)
    return RuleResult(
        "documents",
        Outcome.UNKNOWN,
        f"Before the first day the site wants to see: {spoken}.",
        evidence,
        "Have them ready; they don't stand in the way of a booking.",
        needed=tuple(Needed("document", name, WITH_BOOKING) for name in missing),
        blocks=False,
    )
