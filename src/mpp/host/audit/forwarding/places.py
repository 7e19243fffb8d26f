"""The files of forwarding, in the folder of the log. They help to forward and prove nothing."""

from __future__ import annotations

import os
import re

from mpp.host.audit.places import LogPlaces
from mpp.model.value import value

TARGET_NAME = re.compile("[a-z0-9][a-z0-9-]{0,31}")
TARGET_NAME_FORM = "a name of lower-case letters, digits and dashes, at most 32"


@value
class ForwardPlaces:
    folder: str

    @property
    def targets(self) -> str:
        return os.path.join(self.folder, "targets.json")

    def cursor(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.cursor")

    def dead(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.dead.jsonl")

    def lock(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.lock")


def forward_places(log: LogPlaces) -> ForwardPlaces:
    return ForwardPlaces(folder=os.path.join(log.folder, "forward"))
