"""What the user asks for: the schema of `run.yaml` and the one way to read it."""

from aofl.config.changes import Change, compare, refuse
from aofl.config.dynamics import (
    BussiConfig,
    DynamicsConfig,
    LangevinConfig,
    NoseHooverConfig,
    VelocityVerletConfig,
)
from aofl.config.expand import alone, expand, values_of
from aofl.config.read import (
    config_from_mapping,
    dump_config,
    read_config,
    read_reference,
    reference_named,
)
from aofl.config.references import ReferenceConfig, TbliteConfig
from aofl.config.schema import (
    AceConfig,
    GuardsConfig,
    LabelsConfig,
    LearningConfig,
    OutputConfig,
    RunConfig,
    check_elements,
)
from aofl.config.system import (
    CoverageConfig,
    ElectrodeConfig,
    ElectrolyteConfig,
    EquilibrationConfig,
    FileElectrode,
    FileSystem,
    InterfaceSystem,
    SlabElectrode,
    SpeciesConfig,
    SystemConfig,
)
from aofl.config.walkers import WalkersConfig

__all__ = [
    "AceConfig",
    "BussiConfig",
    "Change",
    "CoverageConfig",
    "DynamicsConfig",
    "ElectrodeConfig",
    "ElectrolyteConfig",
    "EquilibrationConfig",
    "FileElectrode",
    "FileSystem",
    "GuardsConfig",
    "InterfaceSystem",
    "LabelsConfig",
    "LangevinConfig",
    "LearningConfig",
    "NoseHooverConfig",
    "OutputConfig",
    "ReferenceConfig",
    "RunConfig",
    "SlabElectrode",
    "SpeciesConfig",
    "SystemConfig",
    "TbliteConfig",
    "VelocityVerletConfig",
    "WalkersConfig",
    "alone",
    "check_elements",
    "compare",
    "config_from_mapping",
    "dump_config",
    "expand",
    "read_config",
    "read_reference",
    "reference_named",
    "refuse",
    "values_of",
]
