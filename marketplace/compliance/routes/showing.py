"""Documents as their schemas take them."""

from typing import Any

from marketplace.compliance.models import DocumentDecision, DocumentVersion, FileScan
from marketplace.compliance.queries.documents import View
from marketplace.compliance.queries.reviewing import Reviewed
from marketplace.compliance.rules.kinds import TITLES
from marketplace.compliance.rules.validity import facts_from_json
from marketplace.compliance.service import scanning
from marketplace.compliance.states import DocumentState
from marketplace.core.scanning import VirusScanner
from marketplace.web import context
from marketplace.web.api import PREFIX


def document(view: View) -> dict[str, Any]:
    """A document as its holder sees it."""
    found = view.document
    decision = view.decision
    rejected = view.state is DocumentState.REJECTED and decision is not None
    return {
        "id": found.id,
        "kind": found.kind,
        "title": TITLES[found.kind],
        "state": view.state.value,
        "reason": decision.reason if rejected and decision else "",
        "version": found.version,
        "facts": view.facts,
        "made_at": found.made_at,
        "deleted_at": found.deleted_at,
        "versions": [
            {
                **_version(one, view.scans.get(one.id)),
                "decisions": [_decision(d) for d in view.decisions.get(one.id, ())],
            }
            for one in view.versions
        ],
        "releases": view.releases,
    }


def review(found: Reviewed) -> dict[str, Any]:
    """A document's newest version as a reviewer sees it."""
    return {
        **_version(found.version, found.scan),
        "document_id": found.document.id,
        "kind": found.document.kind,
        "title": TITLES[found.document.kind],
        "state": found.state.value,
        "holder_id": found.document.holder_id,
        "holder_name": found.holder_name,
        "version": found.version.number,
        "decisions": [_decision(one) for one in found.decisions],
        "seen": found.own_number,
    }


def link(base: str, token: str) -> str:
    return f"{base}{PREFIX}/downloads/{token}"


def _version(version: DocumentVersion, scan: FileScan | None) -> dict[str, Any]:
    found = scanning.state_of(
        context.parts().get(VirusScanner),
        looked_at=scan is not None,
        virus=scan.virus if scan else None,
    )
    return {
        "scan": found.value,
        "number": version.number,
        "filename": version.filename,
        "media_type": version.media_type,
        "size": version.size,
        "facts": facts_from_json(version.facts),
        "uploaded_at": version.uploaded_at,
    }


def _decision(decision: DocumentDecision) -> dict[str, Any]:
    return {
        "decision": decision.decision,
        "reason": decision.reason,
        "site_id": decision.site_id,
        "number": decision.number,
        "facts": facts_from_json(decision.facts),
        "decided_at": decision.decided_at,
    }
