"""All blueprints of pages."""

from marketplace.pages.host.applications import blueprint as host_applications
from marketplace.pages.host.calendar import blueprint as host_calendar
from marketplace.pages.host.changes import blueprint as host_changes
from marketplace.pages.host.documents import blueprint as host_documents
from marketplace.pages.host.hours import blueprint as host_hours
from marketplace.pages.host.imports import blueprint as host_imports
from marketplace.pages.host.incidents import blueprint as host_incidents
from marketplace.pages.host.letters import blueprint as host_letters
from marketplace.pages.host.listings import blueprint as host_listings
from marketplace.pages.host.members import blueprint as host_members
from marketplace.pages.host.money import blueprint as host_money
from marketplace.pages.host.papers import blueprint as host_papers
from marketplace.pages.host.people import blueprint as host_people
from marketplace.pages.host.pools import blueprint as host_pools
from marketplace.pages.host.preceptors import blueprint as host_preceptors
from marketplace.pages.host.questions import blueprint as host_questions
from marketplace.pages.host.roster import blueprint as host_roster
from marketplace.pages.host.rotation import blueprint as host_rotation
from marketplace.pages.host.rounds import blueprint as host_rounds
from marketplace.pages.host.site import blueprint as host_site
from marketplace.pages.host.teaching import blueprint as host_teaching
from marketplace.pages.host.today import blueprint as host_today
from marketplace.pages.host.waiting import blueprint as host_waiting
from marketplace.pages.host.webhook_forms import blueprint as webhook_forms
from marketplace.pages.host.webhooks import blueprint as webhooks
from marketplace.pages.operator.account_roles import blueprint as desk_account_roles
from marketplace.pages.operator.accounts import blueprint as desk_accounts
from marketplace.pages.operator.agreements import blueprint as desk_agreements
from marketplace.pages.operator.bank import blueprint as desk_bank
from marketplace.pages.operator.benchmarks import blueprint as desk_benchmarks
from marketplace.pages.operator.bookings import blueprint as desk_bookings
from marketplace.pages.operator.campaigns import blueprint as desk_campaigns
from marketplace.pages.operator.catalogue import blueprint as desk_catalogue
from marketplace.pages.operator.codes import blueprint as desk_codes
from marketplace.pages.operator.contracts import blueprint as desk_contracts
from marketplace.pages.operator.credit import blueprint as desk_credit
from marketplace.pages.operator.deliveries import blueprint as desk_deliveries
from marketplace.pages.operator.documents import blueprint as desk_documents
from marketplace.pages.operator.events import blueprint as desk_events
from marketplace.pages.operator.exports import blueprint as desk_exports
from marketplace.pages.operator.force_majeure import blueprint as desk_force_majeure
from marketplace.pages.operator.home import blueprint as desk
from marketplace.pages.operator.left_open import blueprint as desk_left_open
from marketplace.pages.operator.money import blueprint as desk_money
from marketplace.pages.operator.no_shows import blueprint as desk_no_shows
from marketplace.pages.operator.notices import blueprint as desk_notices
from marketplace.pages.operator.outcomes import blueprint as desk_outcomes
from marketplace.pages.operator.payouts import blueprint as desk_payouts
from marketplace.pages.operator.records import blueprint as desk_records
from marketplace.pages.operator.repairs import blueprint as desk_repairs
from marketplace.pages.operator.reports import blueprint as desk_reports
from marketplace.pages.operator.rights import blueprint as desk_rights
from marketplace.pages.operator.rounds import blueprint as desk_rounds
from marketplace.pages.operator.safety import blueprint as desk_safety
from marketplace.pages.operator.schools import blueprint as desk_schools
from marketplace.pages.operator.suspense import blueprint as desk_suspense
from marketplace.pages.public.access_log import blueprint as access_log
from marketplace.pages.public.accounts import blueprint as accounts
from marketplace.pages.public.authors import blueprint as authors
from marketplace.pages.public.calendars import blueprint as calendar_pages
from marketplace.pages.public.campaigns import blueprint as campaigns
from marketplace.pages.public.checks import blueprint as checks
from marketplace.pages.public.crawlers import blueprint as crawlers
from marketplace.pages.public.help import blueprint as helping
from marketplace.pages.public.legal import blueprint as legal
from marketplace.pages.public.listings import blueprint as listings
from marketplace.pages.public.mailed import blueprint as mailed
from marketplace.pages.public.reference import blueprint as reference
from marketplace.pages.public.reports import blueprint as reports
from marketplace.pages.public.routes import blueprint as public
from marketplace.pages.public.searching import blueprint as searching
from marketplace.pages.public.settings import blueprint as settings
from marketplace.pages.public.site_invitations import blueprint as site_invitations
from marketplace.pages.public.surveys import blueprint as surveys
from marketplace.pages.public.ways import blueprint as ways
from marketplace.pages.school.about import blueprint as school_about
from marketplace.pages.school.agreements import blueprint as school_agreements
from marketplace.pages.school.cohorts import blueprint as school_cohorts
from marketplace.pages.school.drafting import blueprint as agreement_drafts
from marketplace.pages.school.invoices import blueprint as school_invoices
from marketplace.pages.school.links import blueprint as school_links
from marketplace.pages.school.paid_places import blueprint as school_paid_places
from marketplace.pages.school.people import blueprint as school_people
from marketplace.pages.school.requests import blueprint as school_requests
from marketplace.pages.school.students import blueprint as school_students
from marketplace.pages.school.today import blueprint as school_today
from marketplace.pages.trainee.asking_school import blueprint as asking_school
from marketplace.pages.trainee.data import blueprint as data
from marketplace.pages.trainee.days import blueprint as days
from marketplace.pages.trainee.documents import blueprint as documents
from marketplace.pages.trainee.erasure import blueprint as erasure
from marketplace.pages.trainee.itineraries import blueprint as itineraries
from marketplace.pages.trainee.letter_entry import blueprint as letter_entry
from marketplace.pages.trainee.letters import blueprint as letters
from marketplace.pages.trainee.messages import blueprint as messages
from marketplace.pages.trainee.offers import blueprint as offers
from marketplace.pages.trainee.papers import blueprint as papers
from marketplace.pages.trainee.paying import blueprint as paying
from marketplace.pages.trainee.profile import blueprint as profile
from marketplace.pages.trainee.readiness import blueprint as readiness
from marketplace.pages.trainee.rotations import blueprint as rotations
from marketplace.pages.trainee.rounds import blueprint as rounds
from marketplace.pages.trainee.school import blueprint as own_school
from marketplace.pages.trainee.searches import blueprint as searches
from marketplace.pages.trainee.turns import blueprint as turns
from marketplace.pages.trainee.waiting import blueprint as waiting
from marketplace.pages.trainee.wallet import blueprint as wallet
from marketplace.pages.trainee.weeks import blueprint as weeks

BLUEPRINTS = (
    public,
    searching,
    legal,
    listings,
    accounts,
    mailed,
    settings,
    helping,
    calendar_pages,
    profile,
    rotations,
    paying,
    documents,
    messages,
    letters,
    letter_entry,
    itineraries,
    wallet,
    waiting,
    weeks,
    turns,
    offers,
    papers,
    days,
    ways,
    searches,
    data,
    erasure,
    readiness,
    school_links,
    own_school,
    school_today,
    school_requests,
    school_students,
    school_cohorts,
    school_invoices,
    school_about,
    school_people,
    school_agreements,
    agreement_drafts,
    school_paid_places,
    asking_school,
    rounds,
    desk,
    desk_catalogue,
    desk_deliveries,
    desk_documents,
    desk_money,
    desk_outcomes,
    desk_bookings,
    desk_records,
    desk_campaigns,
    desk_accounts,
    desk_reports,
    desk_benchmarks,
    desk_rights,
    desk_rounds,
    desk_safety,
    desk_agreements,
    desk_schools,
    desk_account_roles,
    desk_exports,
    desk_force_majeure,
    desk_left_open,
    desk_no_shows,
    desk_notices,
    desk_payouts,
    desk_bank,
    desk_contracts,
    desk_credit,
    desk_codes,
    desk_events,
    desk_suspense,
    desk_repairs,
    access_log,
    crawlers,
    checks,
    reference,
    reports,
    surveys,
    authors,
    campaigns,
    webhooks,
    webhook_forms,
    site_invitations,
    host_today,
    host_waiting,
    host_changes,
    host_papers,
    host_preceptors,
    host_questions,
    host_incidents,
    host_teaching,
    host_applications,
    host_roster,
    host_rotation,
    host_hours,
    host_calendar,
    host_listings,
    host_imports,
    host_documents,
    host_letters,
    host_money,
    host_people,
    host_rounds,
    host_members,
    host_site,
    host_pools,
)
