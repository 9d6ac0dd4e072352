"""The schema of `run.yaml`: data and ranges, no physics.

Every model is strict (no silent conversion), frozen and closed (an unknown key is an error).
Alternatives are told apart by their key `name`. Units stand in the key names.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from ase.data import atomic_numbers
from pydantic import Field, field_validator, model_validator

from aofl.config.bias import BiasConfig
from aofl.config.dynamics import BussiConfig, DynamicsConfig, LangevinConfig, VelocityVerletConfig
from aofl.config.references import ReferenceConfig, TbliteConfig
from aofl.config.section import Section
from aofl.config.stages import StagesConfig
from aofl.config.system import SystemConfig
from aofl.config.walkers import WalkersConfig
from aofl.errors import ConfigError
from aofl.records import LEARNING_MODES

LARGEST_TIMESTEP_WITH_HYDROGEN_FS = 1.0
LEAST_TARGET = 1.0  # meV/Å


class AceConfig(Section):
    """Linear atomic cluster expansion with a closed-form posterior."""

    name: Literal["ace"] = "ace"
    accuracy: Literal["fast", "standard", "high"] = Field(
        default="standard", description="size of the basis"
    )
    model: str | None = Field(
        default=None, min_length=1, description="learned model to start from; `mlff` needs one"
    )
    elements: list[str] = Field(
        default=[], description="elements to know beyond those of the start structure"
    )

    @field_validator("elements")
    @classmethod
    def _are_elements(cls, symbols: list[str]) -> list[str]:
        for symbol in symbols:
            if symbol not in atomic_numbers:
                raise ValueError(f"{symbol!r} is no element; give symbols such as Na")
        return symbols


class GuardsConfig(Section):
    """Plain physics: a step beyond one of these limits is never accepted."""

    min_distance_fraction: float = Field(
        default=0.5, gt=0, lt=1, description="closest contact, in sums of covalent radii"
    )
    max_force_eV_per_A: float = Field(default=60.0, gt=0, description="largest force on an atom")
    max_step_A: float = Field(default=0.3, gt=0, description="largest displacement in one step")
    max_temperature_K: float | None = Field(
        default=None, gt=0, description="largest temperature; null derives it from the target"
    )


class BudgetConfig(Section):
    """What the reference may cost; null is no limit."""

    max_labels: int | None = Field(default=None, ge=1, description="labels; then the run stops")
    max_reference_hours: float | None = Field(
        default=None, gt=0, description="wall time of all labels, h; then the run stops"
    )
    max_labels_per_ps: float | None = Field(
        default=500.0, gt=0, description="labels per ps of simulated time, against runaway learning"
    )


class LearningConfig(Section):
    """When the reference is asked."""

    target_force_error_meV_per_A: float = Field(
        default=300.0,
        gt=0,
        description="largest force error (rms over x, y, z of one atom) that a step may carry",
    )
    strict: bool = Field(
        default=False,
        description="never widen the target and never skip above it, whatever that costs in labels",
    )
    screening_factor: float = Field(
        default=2.0,
        ge=1,
        description="a similar structure is skipped up to this multiple of the threshold",
    )
    similarity_factor: float = Field(
        default=3.0,
        gt=0,
        description="similar means nearer than this multiple of the distance of safe atoms",
    )
    audit_probability: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="chance of a random audit at a step; falls in quiet, and after 40 audits",
    )
    audit_max_gap_steps: int = Field(
        default=2000,
        ge=1,
        description="longest time without audit, while there are fewer than 40; then it grows",
    )
    max_rewinds: int = Field(default=20, ge=0, description="rewinds before the run stops")
    cofl_rule: Literal["calibrated", "vasp", "flare"] = Field(
        default="calibrated",
        description="what `mode: cofl` follows: our uncertainty rule, or that of a known code",
    )
    vasp_cx: float = Field(
        default=1.0, gt=-1, description="`cofl_rule: vasp`: threshold over the mean error, minus 1"
    )
    flare_multiple: float = Field(
        default=2.0, gt=0, description="`cofl_rule: flare`: threshold over the noise of the forces"
    )
    budget: BudgetConfig = Field(default_factory=BudgetConfig, description="caps on the labels")
    guards: GuardsConfig = Field(default_factory=GuardsConfig, description="physical limits")

    @field_validator("target_force_error_meV_per_A")
    @classmethod
    def _is_in_meV(cls, value: float) -> float:  # noqa: N802 - the unit
        if value < LEAST_TARGET:
            raise ValueError(
                f"{value:g} meV/Å is below what references converge to; {value:g} eV/Å would be "
                f"{1e3 * value:g}"
            )
        return value


class CutConfig(Section):
    """How the surroundings of an atom are cut out of a structure that is too large for a label."""

    max_atoms: int = Field(
        ge=10, description="structures with more are labelled in cut-outs of at most about so many"
    )
    margin_A: float = Field(
        default=5.0,
        ge=2,
        le=15,
        description="distance from what is left out within which forces do not count",
    )
    vacuum_A: float = Field(
        default=8.0, ge=5, le=40, description="width of the vacuum along axes that are cut"
    )

    def applies(self, n_atoms: int) -> bool:
        """Return whether a structure of so many atoms is cut."""
        return n_atoms > self.max_atoms

    @model_validator(mode="after")
    def _images_are_apart(self) -> CutConfig:
        if self.vacuum_A <= self.margin_A:
            raise ValueError(
                f"`vacuum_A` ({self.vacuum_A:g}) must be wider than `margin_A` "
                f"({self.margin_A:g}), or cut-outs touch their images"
            )
        return self


class LabelsConfig(Section):
    """When a label is believed, and what becomes of one that is not."""

    max_net_force_meV_per_A: float = Field(
        default=100.0,
        gt=0,
        description="largest component of the sum of all forces of up to 10 atoms, in proportion "
        "for more",
    )
    max_force_eV_per_A: float = Field(default=60.0, gt=0, description="largest force on an atom")
    outlier_factor: float = Field(
        default=5.0,
        gt=1,
        description="force error, in units of what the force field expects, that is labelled again",
    )
    spot_check_every: int | None = Field(
        default=None,
        ge=1,
        description="labels between checks of one force component against two energies",
    )
    spot_check_tolerance_meV_per_A: float = Field(
        default=10.0, gt=0, description="largest difference in a spot check"
    )
    on_failure: Literal["continue", "stop"] = Field(
        default="continue", description="what a run does without a label that it asked for"
    )
    cache: str | None = Field(
        default=None, min_length=1, description="directory of labels that runs share"
    )
    background: int = Field(
        default=0,
        ge=0,
        le=64,
        description="processes that make labels which only measure; 0 waits for each",
    )
    share_with: str | None = Field(
        default=None,
        min_length=1,
        description="directory whose run directories share their labels, from this one: `..`",
    )
    cut: CutConfig | None = Field(
        default=None, description="label large structures in cut-outs; null labels them whole"
    )


class ChemistryConfig(Section):
    """How the reactions are followed while the run goes."""

    every_fs: float = Field(default=5.0, gt=0, description="time between looks at the bonds, fs")
    min_lifetime_fs: float = Field(
        default=50.0, ge=0, description="products that live shorter are no reaction but flicker"
    )


class OutputConfig(Section):
    """How often what is written, in steps."""

    trajectory_every: int = Field(default=5, ge=1, description="steps between stored frames")
    thermo_every: int = Field(default=1, ge=1, description="steps between lines of thermo.csv")
    checkpoint_every: int = Field(default=100, ge=1, description="steps between checkpoints")


class RunConfig(Section):
    """Everything that defines a run."""

    mode: Literal["aimd", "cofl", "aofl", "mlff"] = Field(
        default="aofl", description="who makes the forces, and when the reference is called"
    )
    seed: int = Field(default=0, ge=0, description="the only source of randomness")
    threads: int = Field(
        default=1, ge=1, description="threads of linear algebra and kernels; use free cores only"
    )
    out: str | None = Field(default=None, min_length=1, description="run directory")
    engine: Literal["ase", "lammps"] = Field(
        default="ase", description="who moves the atoms; lammps: on the ranks of `mpirun`"
    )
    system: SystemConfig = Field(description="the start structure")
    reference: ReferenceConfig = Field(default_factory=TbliteConfig, description="makes the labels")
    labels: LabelsConfig = Field(default_factory=LabelsConfig, description="which are believed")
    force_field: AceConfig = Field(default_factory=AceConfig, description="what learns")
    learning: LearningConfig = Field(default_factory=LearningConfig, description="the rules")
    stages: StagesConfig | None = Field(
        default=None, description="what to learn from before the run"
    )
    walkers: WalkersConfig | None = Field(
        default=None, description="many trajectories that share their labels; a campaign"
    )
    dynamics: DynamicsConfig = Field(description="how the atoms move")
    bias: BiasConfig | None = Field(
        default=None,
        description="springs, walls, PLUMED: they act on the atoms and never on labels",
    )
    chemistry: ChemistryConfig = Field(
        default_factory=ChemistryConfig, description="how reactions are followed"
    )
    output: OutputConfig = Field(default_factory=OutputConfig, description="what is written")

    @model_validator(mode="after")
    def _stages_teach_what_can_be_taught(self) -> RunConfig:
        if self.stages is not None and self.mode not in LEARNING_MODES:
            raise ValueError(f"`stages` teach a force field, and `mode: {self.mode}` learns none")
        if self.stages is None:
            return self
        if list(self.stages.wanted()) and self.system.name != "interface":
            raise ValueError(
                "the small cells of `stages` are made of an electrode and an electrolyte, not of a "
                "file; `explore` takes any system"
            )
        if self.stages.explore is not None and self.stages.explore.reference == self.reference:
            raise ValueError(
                "`stages.explore.reference` is the reference itself, which explores while the run "
                "goes; give a cheaper one, or drop `explore`"
            )
        return self

    @model_validator(mode="after")
    def _walkers_have_no_stages(self) -> RunConfig:
        if self.walkers is not None and self.stages is not None:
            raise ValueError(
                "`stages` would be learned by each of the `walkers` anew; run them once before, "
                "and give the walkers its model as `force_field.model`"
            )
        return self

    @model_validator(mode="after")
    def _cut_labels_suffice(self) -> RunConfig:
        """Refuse what needs labels of the whole."""
        if self.labels.cut is None:
            return self
        for is_there, what in (
            (self.mode == "aimd", "`mode: aimd` moves the whole on labels"),
            (self.dynamics.target_pressure is not None, "`dynamics.pressure_GPa` needs a stress"),
            (self.labels.background > 0, "`labels.background` sends whole structures away"),
            (
                self.stages is not None and self.stages.explore is not None,
                "`stages.explore` labels whole structures",
            ),
        ):
            if is_there:
                raise ValueError(f"{what}, and `labels.cut` makes none; drop one of the two")
        return self

    @model_validator(mode="after")
    def _lammps_can_do_it(self) -> RunConfig:
        if self.engine == "ase":
            return self
        if self.mode == "aimd":
            raise ValueError(
                "`engine: lammps` shares a force field among its ranks and `mode: aimd` has none; "
                "set `engine: ase`"
            )
        if not isinstance(self.dynamics, VelocityVerletConfig | LangevinConfig | BussiConfig):
            raise ValueError(
                f"`dynamics.name: {self.dynamics.name}` has variables that `engine: lammps` cannot "
                "go on with after a checkpoint; choose langevin, bussi or velocity_verlet"
            )
        is_one = isinstance(self.dynamics.temperature_K, float | int)
        if self.bias is not None or not is_one or getattr(self.dynamics, "regions", []):
            raise ValueError(
                "`bias`, a course of `dynamics.temperature_K` and `dynamics.regions` are not there "
                "with `engine: lammps`; set `engine: ase`"
            )
        return self

    @model_validator(mode="after")
    def _production_needs_a_model(self) -> RunConfig:
        if self.mode == "mlff" and self.force_field.model is None:
            raise ValueError(
                "`force_field.model` is missing; with `mode: mlff` give the path of a learned model"
            )
        return self


def check_elements(config: RunConfig, elements: Collection[str]) -> None:
    """Check what depends on the composition, known once the system is built.

    Raises
    ------
    ConfigError
        If the time step is too long for hydrogen: give a shorter one.
    """
    timestep = config.dynamics.timestep_fs
    if "H" in elements and timestep > LARGEST_TIMESTEP_WITH_HYDROGEN_FS:
        raise ConfigError(
            f"`dynamics.timestep_fs` is {timestep:g}; "
            f"with hydrogen use at most {LARGEST_TIMESTEP_WITH_HYDROGEN_FS:g}"
        )
