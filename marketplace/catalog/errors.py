"""What the catalogue refuses, each with a stable code."""

from marketplace.core.errors import Conflict, ConstraintErrors, DomainError, Invalid, NotFound


class ListingNotFound(NotFound):
    code = "listing_not_found"
    title = "There is no such listing, or none that you may see."


class SiteNotFound(NotFound):
    code = "site_not_found"
    title = "There is no such site, or none that you may see."


class PreceptorNotFound(NotFound):
    code = "preceptor_not_found"
    title = "This site has no such preceptor."


class DuplicateSite(Conflict):
    code = "duplicate_site"
    title = "Its owner has a site of this name already."
    about = ("name",)


class DuplicatePreceptor(Conflict):
    code = "duplicate_preceptor"
    title = "The site has a preceptor with this NPI already."
    about = ("npi",)


class TimeZoneInUse(Conflict):
    """`weeks` in the problem are those in which seats are taken."""

    code = "time_zone_in_use"
    title = "Bookings begin by this time zone; it can't be changed while seats are taken."


class SiteDecided(Conflict):
    """`verification`, `decided_by` and `decided_at` in the problem tell who came first."""

    code = "site_decided"
    title = "Somebody else has decided this already."


class NotOffered(Conflict):
    """It is known, but paused, retired or not published again yet."""

    code = "listing_not_offered"
    title = "This listing is not open for booking now."


class SeatTaken(Conflict):
    """`weeks` in the problem are those without a seat left."""

    code = "seat_taken"
    title = "There is no seat left in at least one of these weeks."


class SeatsNotTaken(Conflict):
    """Seats were to be given back that nobody had taken: two releases for one booking."""

    code = "seats_not_taken"
    title = "These seats are not taken."


class CapacityBelowTaken(Conflict):
    """`weeks` in the problem names each week and the seats taken in it, `bookings` who has them."""

    code = "capacity_below_taken"
    title = "More seats are taken than would be left."


class WeeksInUse(Conflict):
    """`bookings` in the problem are those with a seat in a week that would be closed."""

    code = "weeks_in_use"
    title = "Somebody has a seat in a week that would be closed."


class PoolNotFound(NotFound):
    code = "pool_not_found"
    title = "The site has no such pool of seats."


class EditNotFound(NotFound):
    code = "edit_not_found"
    title = "The site's calendars have no such edit."


class EditUndone(Conflict):
    """`undone_by` in the problem is the edit that did, where it is known."""

    code = "edit_undone"
    title = "This edit has been undone already."


class EditedSince(Conflict):
    """`weeks` in the problem are those that are no longer as the edit left them."""

    code = "edited_since"
    title = "Some of these weeks have been edited since. Edit them as they are now."


class NotUndoable(Conflict):
    code = "not_undoable"
    title = "This is not undone as an edit: share the seats anew, or change the listing's seats."


class LastPool(Conflict):
    code = "last_pool"
    title = "A listing draws on one pool at least. Have it draw on another one first."


class OtherPreceptor(Conflict):
    code = "other_preceptor"
    title = "These seats are one preceptor's, who does not teach this listing."


class SeatsShared(Conflict):
    code = "seats_shared"
    title = "This listing's seats are not its own only; edit each pool by itself."


class Unclassified(Conflict):
    code = "listing_unclassified"
    title = "A listing without duties has no tier and can't be published."


class NoSeats(Conflict):
    code = "listing_without_seats"
    title = "A listing can't be published before one of its coming weeks has a seat."


class ReviewDecided(Conflict):
    """`decided_by`, `decided_at` and `state` in the problem tell who came first."""

    code = "review_decided"
    title = "Somebody else has decided this already."


class ReclassificationUnderWay(Conflict):
    code = "reclassification_under_way"
    title = "A run that changes tiers is under way; wait until it is ready."


class OnlyDryRun(Conflict):
    """A candidate is compared; what is saved is classified by the published version alone."""

    code = "only_dry_run"
    title = "Only the published classifier can be committed; run this one dry."


class TierRunNotReady(Conflict):
    """`state` in the problem tells how far it is."""

    code = "tier_run_not_ready"
    title = "The run is not ready."


class DriftResolved(Conflict):
    """`resolved_by`, `resolved_at` and `reason` in the problem tell who came first."""

    code = "drift_resolved"
    title = "This flag has been resolved already."


class TooManySaved(Conflict):
    """`limit` in the problem is how many an account may have."""

    code = "too_many_saved_searches"
    title = "You have as many saved searches as an account may have; delete one first."


class SavedNameTaken(Conflict):
    code = "saved_search_name_taken"
    title = "You have a saved search of this name."
    about = ("name",)


class DuplicateListing(Conflict):
    code = "duplicate_listing"
    title = "The site's owner has a listing with this id already."
    about = ("external_id",)


class ListingInUse(Conflict):
    """`fields` names what can't change, `weeks` those with taken seats, `bookings` who has them."""

    code = "listing_in_use"
    title = "Seats that are taken, or the listing's state, stand against this change."


class SheetRefused(Invalid):
    """The file as a whole can't be read; single rows are refused in the import's plan."""

    code = "sheet_refused"
    title = "This file can't be read as the sheet that is expected here."


class ImportUnderWay(Conflict):
    """`import_id` in the problem is the one that is writing."""

    code = "import_under_way"
    title = "Another import for this owner is writing now. Please wait for its end, or cancel it."


class ImportExists(Conflict):
    code = "import_exists"
    title = "This id belongs to an import that has its file already. Use a new id for a new import."


class ImportNotReady(Conflict):
    """`state` in the problem is the one that it is in."""

    code = "import_not_ready"
    title = "There is no such file of this import, or not yet."


class ImportNotTakenBack(Conflict):
    """`state` in the problem is the one that it is in."""

    code = "import_not_taken_back"
    title = "Only an import of listings that has ended can be taken back."


class ImportNotFound(NotFound):
    code = "import_not_found"
    title = "There is no such import at this site."


class BadFilter(Invalid):
    code = "bad_filter"
    title = "This search can't be answered."


class FeedGone(DomainError):
    """What came after this cursor is deleted, or the cursor is of another database."""

    code = "feed_gone"
    status = 410
    title = "The changes after this cursor are no longer kept. Read all listings, then follow anew."


CONSTRAINTS: ConstraintErrors = {
    "ck_seat_week_taken": CapacityBelowTaken,
    "uq_calendar_edit_undoes": EditUndone,
    "uq_listing_owner_account_id_external_id": DuplicateListing,
    "uq_listing_review_listing_id": ReviewDecided,
    "uq_site_owner_account_id_name": DuplicateSite,
    "uq_preceptor_site_id_npi": DuplicatePreceptor,
    "ck_listing_classified": Unclassified,
    "uq_tier_run_commits": ReclassificationUnderWay,
    "uq_saved_search_account_id_slot": TooManySaved,
    "ck_saved_search_slot": TooManySaved,
    "uq_saved_search_account_id_name": SavedNameTaken,
}
