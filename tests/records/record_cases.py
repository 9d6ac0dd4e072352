"""One record of each kind that a run writes, as the golden files have them, in their order."""

from dataclasses import replace

from aofl.records import ErrorSums, LedgerLine, Neighbour, ThermoRow
from aofl.records.events import (
    BondChanged,
    BranchDiffers,
    Changed,
    CheckpointDamaged,
    Done,
    Drifting,
    ExcursionBegan,
    Explored,
    LabelFailed,
    LabelsShared,
    ReactionHappened,
    ResourceAlarm,
    ResourceForecast,
    Resumed,
    Rewound,
    SpeciesCounted,
    SpotChecked,
    StartDoubted,
    Started,
    Stopped,
    TargetMissed,
    Uncertain,
)

LEDGER = (
    LedgerLine(
        step=40,
        time_fs=20.0,
        action="label",
        rule="uncertainty",
        reason="calibrated force error above the threshold",
        atom=1,
        element="H",
        value=0.31,
        threshold=0.25,
        unit="eV/Å",
        neighbour=Neighbour(label=12, atom=18, distance=0.004),
        label_id=7,
        seconds={"reference": 0.27, "update": 0.04},
        errors={
            "H": ErrorSums(n=6, sum_sq=40.082275390625, sum_abs=8.390625, max=6.0),
            "O": ErrorSums(n=3, sum_sq=0.1551389660493827, sum_abs=0.6247222222222222, max=0.3125),
        },
        inside_90={"H": (5, 6), "O": (3, 3)},
        reactive=True,
        energy_jump_eV=-0.0125,
        predicted_error=0.31,
        true_error=0.1 + 0.2,
    ),
    LedgerLine(
        step=41,
        time_fs=20.5,
        action="rewind",
        rule="guard",
        reason="a force is too large",
        atom=0,
        element="O",
        threshold=50.0,
        unit="eV/Å",
        is_doubt=True,
    ),
)

EVENTS = (
    Started(step=0, time_fs=0.0),
    Explored(
        step=0,
        time_fs=0.0,
        by="tblite 0.8.0 GFN1-xTB [7df2c3f6c5]",
        explored_steps=1000,
        cheap_labels=70,
        explored_s=41.5,
        frames=400,
        different=320,
        labels=20,
        failed=1,
        label_s=180.25,
    ),
    Resumed(step=60, time_fs=30.0),
    Changed(step=60, time_fs=30.0, key="dynamics.steps", before=60, after=[80, None]),
    ResourceForecast(
        step=60,
        disk_needed_MB=3.3,
        disk_limit_MB=84458.2,
        memory_needed_MB=566.5,
        memory_limit_MB=600.0,
    ),
    ResourceAlarm(
        step=60,
        reason="the run will need 566 of 600 MB of memory, 94 %: use a machine with more, or a "
        "smaller system",
    ),
    ResourceForecast(step=60, disk_needed_MB=3.3, disk_limit_MB=84458.2),
    SpeciesCounted(step=0, time_fs=0.0, counts={"H2O": 1}),
    BondChanged(step=50, time_fs=25.0, change="broken", atoms=(0, 2), elements=("O", "H")),
    ReactionHappened(
        step=50,
        reaction="H2O -> H- + OH-",
        reactants=("H2O",),
        products=("H-", "OH-"),
        reactant_keys=("H2O:7014ccba28",),
        product_keys=("H:f9f3c35752", "HO:fae197c6f0"),
        broken=((0, 2),),
        formed=(),
        time_fs=25.0,
        began_fs=25.0,
        frame_before=40,
        frame=50,
        height_A=0.0,
        atoms_balanced=True,
        electrons=2,
        seen_by_reference=True,
        certain_at_step=150,
    ),
    CheckpointDamaged(
        step=60, reason="run/checkpoint.npz is damaged: Bad CRC-32 for file 'state.npy'"
    ),
    LabelFailed(step=60, time_fs=30.0, message="the SCF did not converge in 250 iterations"),
    Drifting(step=60, time_fs=30.0, message="audits are worse than the force field thinks"),
    TargetMissed(
        step=60,
        time_fs=30.0,
        target_eV_per_A=0.15,
        reached_eV_per_A=0.45,
        elements=("C", "O"),
        message="the target of 150 meV/Å is out of reach",
    ),
    ExcursionBegan(
        step=60, time_fs=30.0, temperature_K=3138.0, target_K=700.0, message="3138 K, far too hot"
    ),
    StartDoubted(step=0, message="C-H: atoms 3 and 7 are 0.80 A apart"),
    Uncertain(step=60, time_fs=30.0, value=0.07130386179876322, threshold=0.06),
    SpotChecked(
        step=60, time_fs=30.0, rule="random_audit", difference_eV_per_A=4.084481157740072e-07
    ),
    Rewound(step=61, time_fs=30.0, reason="a force is too large", to_step=50),
    LabelsShared(step=60, time_fs=30.0, neighbour="001", n_labels=3),
    BranchDiffers(
        step=60, reason="another machine, another version, or a reference that carries a state"
    ),
    Stopped(step=60, time_fs=30.0, reason="SIGTERM; go on with resume"),
    Done(step=60, time_fs=30.0),
)

_NOW = ThermoRow(
    step=60,
    time_fs=30.0,
    temperature_K=312.25,
    potential_eV=-118.1,
    kinetic_eV=0.1 + 0.2,
    energy_shift_eV=-0.0125,
    predicted_error_eV_per_A=0.31,
    threshold_eV_per_A=0.25,
    source="reference",
    n_labels=7,
    n_skips=2,
    n_bonds=2,
    n_reactions=1,
)
THERMO = (_NOW, replace(_NOW, step=61, time_fs=30.5, predicted_error_eV_per_A=None, source="ff"))
