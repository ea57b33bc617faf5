"""All services of one run of ftui, made from the settings on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tui.services.datasets import Datasets
from tui.services.decisions import Decisions
from tui.services.engine_process import EngineProcess
from tui.services.evaluations import Evaluations
from tui.services.jobs import Jobs
from tui.services.providers import Providers
from tui.services.workspace import Workspace
from tui.settings import Settings


@dataclass
class Services:
    """What screens and commands are given: one object instead of globals."""

    settings: Settings

    @cached_property
    def workspace(self) -> Workspace:
        """The folder that keeps the records of this project."""
        return Workspace(self.settings.workspace)

    @cached_property
    def engine(self) -> EngineProcess:
        """The embedded engine as a process: its status, start and stop."""
        return EngineProcess(self.settings)

    @cached_property
    def providers(self) -> Providers:
        """The servers that speak the fine-tuning protocol, by name."""
        return Providers(self.settings, self.engine)

    @cached_property
    def jobs(self) -> Jobs:
        """Fine-tuning jobs: submit, list, watch, cancel."""
        return Jobs(self.settings, self.workspace, self.providers)

    @cached_property
    def decisions(self) -> Decisions:
        """The framework of questions, and the decisions kept."""
        return Decisions(self.workspace)

    @cached_property
    def datasets(self) -> Datasets:
        """Opens training files."""
        return Datasets()

    @cached_property
    def evaluations(self) -> Evaluations:
        """Comparisons of a tuned with its base model."""
        return Evaluations(self.workspace, self.providers, self.settings.concurrency)
