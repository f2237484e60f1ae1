"""What codes that only the staff meets are called."""

from collections.abc import Mapping

from marketplace.pages.marking import noted

LABELS: Mapping[str, str] = {
    "export_asked": noted("Waits to be made"),
    "export_running": noted("Being made"),
    "export_ready": noted("Ready"),
    "export_failed": noted("Failed"),
    "profile_pii_free": noted("Nothing that names anybody"),
    "profile_identified": noted("Accounts and programs by name"),
    "format_jsonl": noted("JSON Lines"),
    "format_parquet": noted("Parquet"),
    "format_sav": noted("SPSS"),
    "format_dta": noted("Stata"),
    "format_xlsx": noted("Excel"),
    "delivery_building": noted("The export is being made"),
    "delivery_sending": noted("Being sent"),
    "delivery_delivered": noted("Delivered"),
    "delivery_failed": noted("Failed"),
    "undelivered_not_sent": noted(
        "The store did not take it. Have the store or its credentials mended, then try it again."
    ),
    "undelivered_not_built": noted(
        "The export could not be made: its page says why. Then try it again."
    ),
    "undelivered_too_many_rows_for_xlsx": noted(
        "More rows than Excel takes: make a schedule without Excel, or of one Match year."
    ),
    "undelivered_identified_export_refused": noted(
        "Who made the schedule has no right to names any more: give it again, and make the schedule"
        " anew."
    ),
    "no_show_upheld": noted("It stands: the terms apply"),
    "no_show_reinstated": noted("The trainee came: the rotation goes on"),
    "no_show_refunded": noted("All that was paid goes back"),
    "force_planned": noted("Dry run: nothing was changed"),
    "force_running": noted("Being called off"),
    "force_done": noted("Called off"),
    "force_item_pending": noted("Nothing done yet"),
    "force_item_done": noted("Called off"),
    "force_item_skipped": noted("Had ended already"),
    "force_item_failed": noted("Needs a person"),
    "waits_dispute": noted("an open dispute"),
    "waits_account": noted("the host's account at the processor"),
    "transfer_held": noted("Held"),
    "transfer_requested": noted("On its way"),
    "transfer_sent": noted("Sent"),
    "transfer_settled": noted("Arrived"),
    "transfer_failed": noted("Refused by the processor"),
    "transfer_withdrawn": noted("Nothing was left to send"),
    "notice_queued": noted("On its way"),
    "notice_sent": noted("Sent"),
    "notice_failed": noted("Could not be sent"),
    "notice_refused": noted("Refused by the recipient's server"),
    "notice_off": noted("Not wanted"),
    "notice_waiting": noted("Waits for the daily mail"),
    "notice_gathered": noted("In the daily mail"),
    "evidence_directory": noted("World Directory of Medical Schools"),
    "evidence_website": noted("The school's own pages"),
    "check_refused": noted("Refused"),
    "posted_payment_settled": noted("A payment arrived"),
    "posted_processor_fee": noted("The processor's fee"),
    "posted_payment_carried": noted("Kept for another booking"),
    "posted_refund_granted": noted("A refund was granted"),
    "posted_refund_sent": noted("The refund was sent"),
    "posted_refund_returned": noted("The refund came back"),
    "posted_share_earned": noted("The host has earned a share"),
    "posted_dispute": noted("Withdrawn for a dispute"),
    "posted_dispute_reversal": noted("Given back after a dispute"),
    "run_asked": noted("Waiting"),
    "run_running": noted("Under way"),
    "run_ready": noted("Ready"),
    "failed": noted("Failed"),
    "delivered": noted("Delivered"),
    "pending": noted("On its way"),
    "enabled": noted("Enabled"),
    "disabled": noted("Disabled"),
}
