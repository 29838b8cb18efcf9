"""One run: uploads side by side, results as they come, until every clip is done."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

import anyio
from anyio import to_thread

from service.client import AsyncMadvClient, ClientError, Refused
from service.client.submission.ledger import REJECTED, BatchNote, Ledger, LedgerError, Line
from service.client.submission.manifest import Entry, digest
from service.schemas import BatchItemRequest, BatchRequest, JobOptions, RecognizeOptions
from worker.contract import JobState

UNREADABLE = "unreadable"
"""Code of a clip that could not be read from disk."""

_REJECTIONS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Answers that speak about one clip; any other refusal speaks about the run."""
_DELETED = "job-deleted"
_FORGOTTEN = frozenset({"batch-not-found", "expired"})
_PAUSE_S = 5.0
_PATIENCE_S = 600.0
_SYNC_S = 1.0


class BatchForgotten(ClientError):
    """The service no longer knows the batch of the output folder."""

    def __init__(self, note: BatchNote, ledger: Ledger, clips: int) -> None:
        super().__init__(
            f"the service no longer knows {note.batch_id}, which {ledger.folder} belongs to; "
            f"{len(ledger.done)} of {clips} clips are done and stay there. "
            "To submit all clips afresh, give another --out"
        )


@dataclass(slots=True)
class Tally:
    """How far a run has come; earlier runs into the same folder are counted in."""

    total: int
    uploaded: int = 0
    done: int = 0
    succeeded: int = 0
    done_before: int = 0
    held_until: float = 0.0
    started_at: float = field(default_factory=time.monotonic)

    @property
    def failed(self) -> int:
        """Clips that are done without a result, rejected ones included."""
        return self.done - self.succeeded

    @property
    def elapsed_s(self) -> float:
        """Of this run."""
        return time.monotonic() - self.started_at

    @property
    def clips_per_s(self) -> float:
        """Throughput of this run."""
        return (self.done - self.done_before) / max(self.elapsed_s, 1e-9)

    @property
    def eta_s(self) -> float | None:
        """Seconds left at this run's throughput; None before the first clip is done."""
        return (self.total - self.done) / self.clips_per_s if self.clips_per_s else None

    @property
    def held_s(self) -> float:
        """Seconds for which the service asked to send no more."""
        return max(0.0, self.held_until - time.monotonic())


class Submission:
    """Brings the clips of a manifest to a service and their results into a folder."""

    def __init__(
        self,
        client: AsyncMadvClient,
        ledger: Ledger,
        entries: Sequence[Entry],
        concurrency: int,
        on_progress: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._entries = entries
        self._concurrency = concurrency
        self._on_progress = on_progress
        self._batch_id = ""
        self._awaited: set[str] = set()
        self._are_uploads_over = False
        self._is_complete = anyio.Event()
        self._taken_at = time.monotonic()
        taken = len(ledger.done) - ledger.statuses[REJECTED]
        self.tally = Tally(len(entries), uploaded=taken, done_before=len(ledger.done))

    async def run(self, defaults: RecognizeOptions) -> None:
        """Upload what is not uploaded, collect what is not collected; may be cancelled any time.

        Raises:
            LedgerError: The folder holds the results of other clips.
            BatchForgotten: The service does not know the batch of the folder.
            ClientError: The service refuses to go on, or cannot be reached.
        """
        self._report()
        note = self._ledger.note or await self._begin(defaults)
        if note.manifest_sha256 != digest(self._entries):
            raise LedgerError(
                f"{self._ledger.folder} holds a run over other clips or options: "
                "undo what has changed, or give another --out"
            )
        if len(self._ledger.done) == len(self._entries):
            return
        self._batch_id = note.batch_id
        try:
            await self._finish()
        except ExceptionGroup as group:
            raise self._explained(_first(group), note) from group
        except ClientError as error:
            raise self._explained(error, note) from error

    async def _begin(self, defaults: RecognizeOptions) -> BatchNote:
        """Announce all clips, and note the batch before anything is uploaded."""
        if self._ledger.done:
            raise LedgerError(f"{self._ledger.folder} holds results, but not which batch they are")
        treatment = set(JobOptions.model_fields) - {"fps"}
        common = defaults.model_dump(exclude_unset=True, include=treatment)
        request = BatchRequest(
            items=[BatchItemRequest(client_ref=entry.client_ref) for entry in self._entries],
            options=JobOptions.model_validate(common),
            tags=defaults.tags,
        )
        batch = await self._client.create_batch(request)
        note = BatchNote(
            batch_id=batch.id,
            manifest_sha256=digest(self._entries),
            url=self._client.url,
            created_at=datetime.now(UTC),
            clips=len(self._entries),
        )
        self._ledger.remember(note)
        return note

    async def _finish(self) -> None:
        uploaded = await self._uploaded()
        self._awaited = uploaded - self._ledger.done
        todo = iter(
            [
                entry
                for entry in self._entries
                if entry.client_ref not in uploaded and entry.client_ref not in self._ledger.done
            ]
        )
        self.tally.uploaded = len(uploaded)
        async with anyio.create_task_group() as group:
            group.start_soon(self._collect)
            group.start_soon(self._keep_durable)
            async with anyio.create_task_group() as uploads:
                for _ in range(self._concurrency):
                    uploads.start_soon(self._upload_from, todo)
            self._are_uploads_over = True
            self._note_progress()
            await self._is_complete.wait()
            group.cancel_scope.cancel()

    async def _uploaded(self) -> set[str]:
        """What an earlier run has brought there."""
        return {
            item.client_ref
            async for item in self._client.batch_items(self._batch_id)
            if item.job_id is not None
        }

    async def _upload_from(self, todo: Iterator[Entry]) -> None:
        """One of several that share the list: no more files are open than there are of these."""
        for entry in todo:
            line = await self._upload(entry)
            if line is not None:
                self._ledger.append(line)
            else:
                self.tally.uploaded += 1
                if entry.client_ref not in self._ledger.done:
                    self._awaited.add(entry.client_ref)
            self._taken_at = time.monotonic()
            self._note_progress()

    async def _upload(self, entry: Entry) -> Line | None:
        """None once the service has the clip, else the line that says why it does not."""
        options = entry.options.model_copy(update={"batch_id": self._batch_id})
        while True:
            await self._permission()
            try:
                await self._client.submit(entry.path, options)
            except OSError as exc:
                return Line.rejected(entry.client_ref, UNREADABLE, exc.strerror or str(exc))
            except Refused as exc:
                if exc.problem.status in _REJECTIONS or exc.code == _DELETED:
                    return Line.rejected(entry.client_ref, exc.code, exc.problem.detail)
                self._hold(exc)
            else:
                return None

    async def _permission(self) -> None:
        """Wait until the service is asked again; the pause may grow meanwhile."""
        while held_s := self.tally.held_s:  # noqa: ASYNC110  # it is time that is waited for
            await anyio.sleep(held_s)

    def _hold(self, refused: Refused) -> None:
        """Pause all uploads where the service asks for it; raises what no pause will mend."""
        is_busy = refused.problem.status == HTTPStatus.TOO_MANY_REQUESTS
        is_patient = time.monotonic() - self._taken_at < _PATIENCE_S
        if not (is_busy or (refused.problem.retryable and is_patient)):
            raise refused
        pause_s = _PAUSE_S if refused.retry_after_s is None else refused.retry_after_s
        self.tally.held_until = max(self.tally.held_until, time.monotonic() + pause_s)
        self._report()

    async def _collect(self) -> None:
        """Write results as they come, until the batch has ended or all awaited ones are there."""
        results = self._client.batch_results(self._batch_id, cursor=self._ledger.cursor)
        async for result in results:
            self._ledger.append(Line.of(result))
            self._awaited.discard(result.client_ref)
            self._note_progress()
        self._awaited.clear()
        self._note_progress()

    async def _keep_durable(self) -> None:
        while True:
            await anyio.sleep(_SYNC_S)
            await to_thread.run_sync(self._ledger.sync)
            self._report()

    def _note_progress(self) -> None:
        self._report()
        if self._are_uploads_over and not self._awaited:
            self._is_complete.set()

    def _report(self) -> None:
        self.tally.done = len(self._ledger.done)
        self.tally.succeeded = self._ledger.statuses[JobState.SUCCEEDED]
        self._on_progress(self.tally)

    def _explained(self, error: Exception, note: BatchNote) -> Exception:
        """The error, in the words of somebody who resumes where the batch is gone."""
        if isinstance(error, Refused) and error.code in _FORGOTTEN:
            return BatchForgotten(note, self._ledger, len(self._entries))
        return error


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The first error of several that happened at once."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, ExceptionGroup) else found
