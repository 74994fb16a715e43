"""`drift memory validate` and its neighbours: looking after what was remembered."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from drift_mcp.cli.words import DONE, NO, project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_mcp.cortex.consolidation import Plan
    from drift_mcp.cortex.consolidation_runs import Run as Consolidated
    from drift_mcp.cortex.episodes import Evidence
    from drift_mcp.cortex.forgetting import Forgotten, Found
    from drift_mcp.cortex.validation import Finding, Report
    from drift_mcp.cortex.validation_runs import Run
    from drift_mcp.project import Project

# Some 10,000 memories take seconds, and nobody waits but who asked.
_PATIENCE_SECONDS = 600.0
# As many of a kind as a person looks through at once; of more, the number is said.
_SHOWN = 10


def add_to(actions: Any) -> None:
    """The actions of `drift memory` that show first and change only when told."""
    validate = actions.add_parser("validate", help="which memories are no longer true; status 1 when some are not")
    validate.add_argument("--apply", action="store_true", help="do what it says that applying does; nothing is lost")
    _answering(validate)
    validate.set_defaults(run=_validate)

    consolidate = actions.add_parser("consolidate", help="what episodes repeat becomes knowledge of its own")
    consolidate.add_argument(
        "--apply", action="store_true", help="do it; each change is a version, and can be taken back"
    )
    _answering(consolidate)
    consolidate.set_defaults(run=_consolidate)

    forget = actions.add_parser("forget", help="erase a memory for good, for privacy: its whole history goes")
    forget.add_argument("memory", metavar="ID")
    forget.add_argument("--apply", action="store_true", help="do it; without, only what would go is shown")
    forget.add_argument("--reason", help="stays with the tombstone")
    _answering(forget)
    forget.set_defaults(run=_forget)


def _answering(parser: argparse.ArgumentParser) -> None:
    project(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")


def _opened(asked: argparse.Namespace) -> Project:
    # Behind the parse, as below: `drift --help` needs no store.
    from drift_mcp.project import Project
    from drift_mcp.tools.projects import OpenProjects

    return Project(OpenProjects(None).root(asked.project))


# ---------------------------------------------------------------------------------------------------------------------
# drift memory validate


def _validate(asked: argparse.Namespace) -> int:
    with _opened(asked) as opened:
        is_fresh = _brought_up(opened)
        with opened.read_both(timeout_seconds=_PATIENCE_SECONDS) as db:
            report = opened.memory.look_over(db)
        run = opened.memory.apply(report) if asked.apply else None
    left = [finding for finding in report.findings if finding.is_stale and not (run and finding.is_applicable)]
    if asked.json:
        print(json.dumps(_document(report, run, is_fresh), ensure_ascii=False, separators=(",", ":")))
    else:
        _show(report, run, is_fresh)
    return NO if left else DONE


def _brought_up(opened: Project) -> bool:
    """Memories are compared with the code as it was scanned: that is to be the code as it is. False: another process
    is at it."""
    from drift_mcp import ingest
    from drift_mcp.tables import status

    with opened.read() as db:
        is_scanned = status.last_scan(db) is not None
    return not is_scanned or ingest.refresh(opened, ["."]) is not None


def _show(report: Report, run: Run | None, is_fresh: bool) -> None:
    from drift_mcp.cortex.validation import KINDS
    from drift_mcp.tools.answer import cell, count

    of_kind: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        of_kind[finding.kind].append(finding)
    for kind in KINDS:
        if not of_kind[kind]:
            continue
        print(f"{_TITLES[kind]} ({len(of_kind[kind]):,})")
        for finding in of_kind[kind][:_SHOWN]:
            print(f"  {finding.memory}  {cell(finding.summary)}")
            print(f"    {cell(finding.found)}")
            done = "done: " if run and finding.is_applicable else "--apply: " if finding.is_applicable else ""
            print(f"    {done}{cell(finding.effect)}")
        if len(of_kind[kind]) > _SHOWN:
            print(f"  and {len(of_kind[kind]) - _SHOWN:,} more; --json names them all")
    stale = len({finding.memory for finding in report.findings if finding.is_stale})
    said = f"{stale:,} not true as they are" if stale else "none is stale"
    flagged = len({finding.memory for finding in report.findings if finding.is_settled})
    said += f", {flagged:,} flagged before" if flagged else ""
    print(f"{count(report.looked_at, 'memories')} looked at; {said}.")
    if run is not None:
        print(f"Done: {', '.join(_done(run)) or 'nothing was to be done'}.")
    elif any(finding.is_applicable for finding in report.findings):
        print("`drift memory validate --apply` does what is marked so; each change is a version, and can be revised.")
    if report.is_cut:
        print("There was more to compare than is at once: code that moved far may be told as gone, and some of what")
        print("contradicts itself or is said twice is not told.")
    if not is_fresh:
        print("Another scan is running: this was compared with the one before it.")


_TITLES = {
    "gone": "The code is gone",
    "changed": "The code has changed",
    "moved": "The code has moved",
    "back": "The code is again what it was",
    "expired": "No longer in force",
    "review": "To be looked at again",
    "opposed": "Seem to contradict each other",
    "same": "Say nearly the same",
    "dropped": "Speak of what is ignored or gone",
    "due": "Not looked at for long",
    "faded": "Faded",
}


def _done(run: Run) -> list[str]:
    done = {
        "citations moved along": run.healed,
        "flagged": run.flagged,
        "found to be in order": run.renewed,
        "archived": run.archived,
        "contradictions recorded": run.related,
        "changed meanwhile and left": run.overtaken,
    }
    return [f"{what} {number:,}" for what, number in done.items() if number]


def _document(report: Report, run: Run | None, is_fresh: bool) -> dict[str, Any]:
    return {
        "memories": report.looked_at,
        "stale": len({finding.memory for finding in report.findings if finding.is_stale}),
        "findings": [
            {
                "memory": finding.memory,
                "summary": finding.summary,
                "kind": finding.kind,
                "found": finding.found,
                "effect": finding.effect,
                "stale": finding.is_stale,
                "applicable": finding.is_applicable,
                "flagged": finding.is_settled,
            }
            for finding in report.findings
        ],
        "cut": report.is_cut,
        "fresh": is_fresh,
        "run": None if run is None else dataclasses.asdict(run),
    }


# ---------------------------------------------------------------------------------------------------------------------
# drift memory consolidate


def _consolidate(asked: argparse.Namespace) -> int:
    with _opened(asked) as opened:
        if asked.apply:
            plan, done = opened.memory.consolidate()
        else:
            plan, done = opened.memory.to_consolidate(), None
    if asked.json:
        document = dataclasses.asdict(plan) | {"run": None if done is None else dataclasses.asdict(done)}
        document["settled"] = [each._asdict() for each in plan.settled]
        document["faded"] = [each._asdict() for each in plan.faded]
        for told, learned in zip(document["learned"], plan.learned, strict=True):
            told["supporting"] = [each._asdict() for each in learned.supporting]
            told["contradicting"] = [each._asdict() for each in learned.contradicting]
        print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    else:
        _show_plan(plan, done)
    return DONE


def _show_plan(plan: Plan, done: Consolidated | None) -> None:
    from drift_mcp.tools.answer import cell, count

    made = [each for each in plan.learned if each.memory is None]
    known = [each for each in plan.learned if each.memory is not None]
    for title, found in (("New knowledge", made), ("More about what is known", known)):
        if found:
            print(f"{title} ({len(found):,})")
        for each in found:
            before = "" if each.confidence_before is None else f"{each.confidence_before:.2f} → "
            print(f"  {each.memory + '  ' if each.memory else ''}{cell(each.knowledge)}")
            print(f"    confidence {before}{each.confidence:.2f}")
            if each.supporting:
                print(f"    told by {_named(each.supporting)}")
            if each.contradicting:
                print(f"    opposed by {_named(each.contradicting)}: {each.why_contradicting}")
    for title, left in (
        ("Episodes that go in whole, into the archive", [(each.episode, each.summary) for each in plan.settled]),
        ("Episodes that faded and were never repeated, into the archive", [(each[0], each[2]) for each in plan.faded]),
    ):
        if left:
            print(f"{title} ({len(left):,})")
            print("\n".join(f"  {memory}  {cell(summary)}" for memory, summary in left[:_SHOWN]))
        if len(left) > _SHOWN:
            print(f"  and {len(left) - _SHOWN:,} more; --json names them all")
    looked_at = f"{count(plan.episodes, 'episodes')} looked at"
    if done is not None:
        print(f"{looked_at}. Done: {', '.join(_done_by(done)) or 'nothing was to be done'}.")
    elif plan.learned or plan.settled or plan.faded:
        print(f"{looked_at}. `drift memory consolidate --apply` does this; each change is a version.")
    else:
        print(f"{looked_at}; none repeats what others say.")


def _named(evidence: Sequence[Evidence]) -> str:
    names = ", ".join(each.episode for each in evidence[:_SHOWN])
    return names + (f" and {len(evidence) - _SHOWN:,} more" if len(evidence) > _SHOWN else "")


def _done_by(run: Consolidated) -> list[str]:
    done = {
        "made": run.created,
        "updated": run.updated,
        "archived": run.archived,
        "archived as faded": run.pruned,
        "changed meanwhile and left": run.overtaken,
    }
    return [f"{what} {number:,}" for what, number in done.items() if number]


# ---------------------------------------------------------------------------------------------------------------------
# drift memory forget


def _forget(asked: argparse.Namespace) -> int:
    with _opened(asked) as opened:
        done = opened.memory.forget(asked.memory, asked.reason) if asked.apply else None
        found, copies = opened.memory.to_forget(asked.memory) if done is None else (done.found, done.copies)
        home = opened.store.parent
        held = [str(path.relative_to(home.parent)) for path in copies.holding]
        unread = [str(path.relative_to(home.parent)) for path in copies.unreadable]
    if asked.json:
        print(json.dumps(_erasure(found, held, unread, done), ensure_ascii=False, separators=(",", ":")))
    else:
        _show_erasure(found, held, unread, done)
    return DONE


def _show_erasure(found: Found, held: list[str], unread: list[str], done: Forgotten | None) -> None:
    from drift_mcp.tools.answer import cell, count

    counted = {
        "versions": found.versions,
        "wordings": found.wordings,
        "vectors": found.vectors,
        "links": found.links,
        "relationships": found.relationships,
        "verdicts": found.verdicts,
    }
    what = ", ".join(count(number, noun) for noun, number in counted.items() if number)
    print(f"{found.memory}  {found.type}, of {found.created_at[:10]}: {cell(found.summary)}")
    print(f"{'Erased' if done else 'Would be erased'}, for good: {what}.")
    for title, rows in (
        ("These may repeat it, and stay until they are forgotten as well:", _repeating(found)),
        ("Ended by it, and staying so:", list(found.superseded)),
        ("These files still hold it; delete them if it must be gone from everywhere:", held),
        ("These files cannot be read, and may hold it:", unread),
    ):
        if rows:
            print(title)
            print("\n".join(f"  {cell(row)}" for row in rows))
    if done is None:
        print("Nothing was changed. `--apply` does it, and nothing can undo that.")
    elif done.has_traces:
        print(
            "Its rows are gone. Somebody still reads an older state, so the log could not be emptied: that is done "
            "when memories are used next."
        )
    else:
        print("Its bytes are gone from the store and its log; the id stays, as a tombstone.")


def _repeating(found: Found) -> list[str]:
    return [f"{each.memory}  {each.why}: {each.summary}" for each in found.repeating]


def _erasure(found: Found, held: list[str], unread: list[str], done: Forgotten | None) -> dict[str, Any]:
    return {
        **dataclasses.asdict(found),
        "copies": held,
        "unreadable": unread,
        "forgotten_at": done.forgotten_at if done else None,
        "has_traces": done.has_traces if done else None,
    }
