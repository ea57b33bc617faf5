"""All services of one run of ftui, created from the settings on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tui.settings import Settings

if TYPE_CHECKING:
    from tui.services.chat.chats import Chats
    from tui.services.datasets.datasets import Datasets
    from tui.services.decision.decisions import Decisions
    from tui.services.evaluation.evaluations import Evaluations
    from tui.services.jobs.jobs import Jobs
    from tui.services.jobs.notifier import Notifier
    from tui.services.providers.engine_process import EngineProcess
    from tui.services.providers.probing import Probing
    from tui.services.providers.providers import Providers
    from tui.services.submission.training_files import TrainingFiles
    from tui.services.workspace.workspace import Workspace


@dataclass
class Services:
    """The services that screens and commands use, in one object instead of globals.

    Each service is imported on first use, so that a command, or the first paint, loads only what
    it needs.
    """

    settings: Settings

    @cached_property
    def workspace(self) -> Workspace:
        """The folder with the records of this project."""
        from tui.services.workspace.workspace import Workspace

        return Workspace(self.settings.workspace)

    @cached_property
    def engine(self) -> EngineProcess:
        """The embedded engine as a process: its status, start and stop."""
        from tui.services.providers.engine_process import EngineProcess

        return EngineProcess(self.settings)

    @cached_property
    def providers(self) -> Providers:
        """The servers that speak the fine-tuning protocol, by name."""
        from tui.services.providers.providers import Providers

        return Providers(self.settings, self.engine)

    @cached_property
    def probing(self) -> Probing:
        """Finds out which features the providers support."""
        from tui.services.providers.probing import Probing

        return Probing(self.providers)

    @cached_property
    def jobs(self) -> Jobs:
        """Fine-tuning jobs: submit, list, watch, cancel."""
        from tui.services.jobs.jobs import Jobs

        return Jobs(self.settings, self.workspace, self.providers)

    @cached_property
    def notifier(self) -> Notifier:
        """Notifies a person that a job ended or stalled."""
        from tui.services.jobs.notifier import Notifier

        return Notifier(self.settings.notify, self.workspace)

    @cached_property
    def training_files(self) -> TrainingFiles:
        """Inspects the files of a job before it is submitted."""
        from tui.services.submission.training_files import TrainingFiles

        return TrainingFiles(self.datasets, self.workspace, self.settings.home)

    @cached_property
    def decisions(self) -> Decisions:
        """The framework of questions, and the saved decisions."""
        from tui.services.decision.decisions import Decisions

        return Decisions(self.workspace)

    @cached_property
    def datasets(self) -> Datasets:
        """Opens training files."""
        from tui.services.datasets.datasets import Datasets

        return Datasets(self.settings)

    @cached_property
    def evaluations(self) -> Evaluations:
        """Comparisons of a tuned model with its base model."""
        from tui.services.evaluation.evaluations import Evaluations

        return Evaluations(self.workspace, self.providers, self.settings.concurrency)

    @cached_property
    def chats(self) -> Chats:
        """Chats with models, whose answers are streamed."""
        from tui.services.chat.chats import Chats

        return Chats(self.workspace, self.providers)
