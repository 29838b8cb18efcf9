"""What became of a batch, in figures."""

from pydantic import BaseModel

from service.client.submission.ledger import REJECTED, Ledger
from service.client.submission.run import Tally
from worker.contract import JobState


class Summary(BaseModel):
    """Counts of clips. `missing` ones were uploaded, but the service has no result of them."""

    batch_id: str | None
    clips: int
    succeeded: int
    failed: int
    canceled: int
    rejected: int
    missing: int
    codes: dict[str, int]
    """Clips without a result, by the reason."""
    elapsed_s: float
    clips_per_s: float
    """Of the latest run."""

    @property
    def is_success(self) -> bool:
        """Whether every clip has a result."""
        return self.succeeded == self.clips


def summarize(ledger: Ledger, tally: Tally) -> Summary:
    """The state of an output folder after a run."""
    statuses, note = ledger.statuses, ledger.note
    return Summary(
        batch_id=note.batch_id if note else None,
        clips=tally.total,
        succeeded=statuses[JobState.SUCCEEDED],
        failed=statuses[JobState.FAILED] + statuses[JobState.EXPIRED],
        canceled=statuses[JobState.CANCELED],
        rejected=statuses[REJECTED],
        missing=tally.total - len(ledger.done),
        codes=dict(ledger.codes.most_common()),
        elapsed_s=round(tally.elapsed_s, 3),
        clips_per_s=round(tally.clips_per_s, 3),
    )
