"""What is refused of waiting lists and allocation rounds."""

from marketplace.booking.errors.life import HistoryIsKept, Superseded
from marketplace.core.errors import Conflict, ConstraintErrors, Invalid


class AlreadyWaiting(Conflict):
    code = "already_waiting"
    title = "You wait for these weeks of this listing already."


class SeatsAreFree(Conflict):
    code = "seats_are_free"
    title = "There is a seat in each of these weeks: book it instead of waiting."


class GaveItUp(Conflict):
    code = "gave_it_up"
    title = "You have cancelled this very place: it is not offered to you again."


class RoundUnfit(Invalid):
    """The times or places of a round can't be; `detail` and `fields` say which."""

    code = "round_unfit"
    title = "A round can't be opened like this."


class RankingUnfit(Invalid):
    code = "ranking_unfit"
    title = "This can't be ranked."


CONSTRAINTS: ConstraintErrors = {
    "uq_waiting_entry_live": AlreadyWaiting,
    "uq_seat_offer_entry_id": Superseded,
    "pk_waiting_step": Superseded,
    "history_waiting_step": HistoryIsKept,
    "history_seat_offer": HistoryIsKept,
    "pk_round_ranking": Superseded,
    "pk_round_order": Superseded,
    "pk_round_step": Superseded,
    "uq_round_run_round_id": Superseded,
    "history_round_ranking": HistoryIsKept,
    "history_round_order": HistoryIsKept,
    "history_round_run": HistoryIsKept,
    "history_round_step": HistoryIsKept,
}
