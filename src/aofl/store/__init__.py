"""Everything about a run on the disk: exact, append-only or atomic, and without pickle."""

from aofl.store.append_only import last_whole_lines
from aofl.store.atomic import make_directory, write_atomic
from aofl.store.campaign_directory import CampaignDirectory, is_campaign
from aofl.store.checkpoint import (
    Checkpoint,
    checkpoint_at,
    drop_checkpoints_after,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from aofl.store.closing import Closing
from aofl.store.dataset import Dataset, check_is_new, structure_hash, write_labels
from aofl.store.extxyz import format_atoms, format_frame, read_atoms
from aofl.store.frames import about_how_many, read_frames
from aofl.store.journal import (
    Journal,
    Table,
    iterate_journal,
    jsonable,
    read_journal,
    read_table,
)
from aofl.store.label_cache import LabelCache
from aofl.store.label_names import LabelKeys, frame_list
from aofl.store.labelled_frames import (
    LabelledFile,
    LeftOut,
    check_one_level,
    read_labelled_file,
    read_labels,
)
from aofl.store.output_folder import OutputFolder
from aofl.store.quarantine import keep_in_quarantine
from aofl.store.run_directory import RunDirectory
from aofl.store.run_records import iterate_events, iterate_ledger, read_events, read_ledger
from aofl.store.shared_labels import SHARED_BY, SharedLabel, new_labels
from aofl.store.trajectory import Trajectory, count_frames, iterate_trajectory

__all__ = [
    "SHARED_BY",
    "CampaignDirectory",
    "Checkpoint",
    "Closing",
    "Dataset",
    "Journal",
    "LabelCache",
    "LabelKeys",
    "LabelledFile",
    "LeftOut",
    "OutputFolder",
    "RunDirectory",
    "SharedLabel",
    "Table",
    "Trajectory",
    "about_how_many",
    "check_is_new",
    "check_one_level",
    "checkpoint_at",
    "count_frames",
    "drop_checkpoints_after",
    "format_atoms",
    "format_frame",
    "frame_list",
    "is_campaign",
    "iterate_events",
    "iterate_journal",
    "iterate_ledger",
    "iterate_trajectory",
    "jsonable",
    "keep_in_quarantine",
    "last_whole_lines",
    "load_checkpoint",
    "make_directory",
    "new_labels",
    "read_atoms",
    "read_checkpoint",
    "read_events",
    "read_frames",
    "read_journal",
    "read_labelled_file",
    "read_labels",
    "read_ledger",
    "read_table",
    "save_checkpoint",
    "structure_hash",
    "write_atomic",
    "write_labels",
]
