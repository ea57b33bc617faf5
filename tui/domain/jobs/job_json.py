"""A job as JSON: what `ftui jobs --json` prints, and what a command hook is given."""

from __future__ import annotations

from tui.domain.jobs.view import JobView
from tui.domain.untyped import plain


def job_fields(view: JobView) -> dict[str, object]:
    """The job's fields; figures that JSON has no number for are text, unknown ones None."""
    best = view.best
    fields = {
        "job": view.id,
        "provider": view.provider,
        "status": view.status,
        "model": view.model,
        "fine_tuned_model": view.fine_tuned_model,
        "suffix": view.suffix,
        "created_at": view.created_at,
        "finished_at": view.finished_at,
        "step": view.step,
        "total_steps": view.total_steps,
        "train_loss": view.train_loss,
        "valid_loss": view.valid_loss,
        "best_valid_loss": best.value if best else None,
        "error": view.error,
    }
    return {name: plain(value) for name, value in fields.items()}
