"""The section `dynamics` of the configuration: integrator, time step, temperature, pressure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from aofl.config.regions import RegionConfig
from aofl.config.schedules import FS_PER_PS, Pressure, Temperature, schedule_of
from aofl.config.section import Section
from aofl.schedule import Schedule

LEAST_TIMESTEP_FS = 0.01


class _Dynamics(Section):
    """What all dynamics share: `target_temperature` is None where nothing keeps one."""

    @property
    def target_pressure(self) -> Schedule | None:
        """The target, GPa, at every time; None where the cell stays as it is."""
        return None

    timestep_fs: float = Field(gt=0, le=10, description="time step, fs")
    steps: int = Field(ge=1, description="steps of the whole run, resumed parts included")

    @field_validator("timestep_fs")
    @classmethod
    def _is_in_fs(cls, value: float) -> float:
        if value < LEAST_TIMESTEP_FS:
            raise ValueError(
                f"{value:g} fs is far shorter than any vibration; {value:g} ps would be "
                f"{1e3 * value:g}"
            )
        return value


class _Thermostatted(_Dynamics):
    """What all thermostats share; the first temperature is also the initial one."""

    temperature_K: Temperature = Field(
        description="target temperature, K, or its course: points {ps, K} joined by lines"
    )

    @property
    def target_temperature(self) -> Schedule:
        """The target, K, at every time."""
        return schedule_of(self.temperature_K, "K")

    @property
    def initial_temperature(self) -> float:
        """Temperature of the first momenta, K."""
        return self.target_temperature.at(0.0)


class VelocityVerletConfig(_Dynamics):
    """Constant energy; the temperature is only the initial one."""

    name: Literal["velocity_verlet"]
    temperature_K: float = Field(gt=0, description="initial temperature, K")

    @property
    def target_temperature(self) -> None:
        """None: nothing keeps a temperature."""
        return

    @property
    def relaxation_fs(self) -> float:
        """Nothing relaxes."""
        return 0.0

    @property
    def initial_temperature(self) -> float:
        """Temperature of the first momenta, K."""
        return self.temperature_K


class LangevinConfig(_Thermostatted):
    """Langevin thermostat (BAOAB)."""

    name: Literal["langevin"]
    friction_per_ps: float = Field(default=10.0, gt=0, description="friction, 1/ps")
    regions: list[RegionConfig] = Field(
        default=[], description="atoms with a temperature of their own, such as those of the metal"
    )

    @property
    def relaxation_fs(self) -> float:
        """Time in which velocities forget, fs."""
        return FS_PER_PS / self.friction_per_ps


class _WithTimeConstant(_Thermostatted):
    time_constant_fs: float = Field(default=100.0, gt=0, description="relaxation time, fs")

    @property
    def relaxation_fs(self) -> float:
        """Time in which the temperature relaxes, fs."""
        return self.time_constant_fs


class BussiConfig(_WithTimeConstant):
    """Stochastic velocity rescaling."""

    name: Literal["bussi"]


class NoseHooverConfig(_WithTimeConstant):
    """Nosé-Hoover chain."""

    name: Literal["nose_hoover"]


class MtkConfig(_WithTimeConstant):
    """Constant pressure and temperature (Martyna, Tobias and Klein)."""

    name: Literal["mtk"]
    pressure_GPa: Pressure = Field(
        description="target pressure, GPa, or its course: points {ps, GPa} joined by lines"
    )
    cell: Literal["normal", "isotropic", "full"] = Field(
        description="what moves: its height along c, its size, or its shape as well"
    )
    pressure_time_fs: float = Field(default=1000.0, gt=0, description="period of the cell, fs")
    trust_pressure: bool = Field(
        default=False, description="take the pressure of a semi-empirical reference as it is"
    )

    @property
    def target_pressure(self) -> Schedule:
        """The target, GPa, at every time."""
        return schedule_of(self.pressure_GPa, "GPa")


DynamicsConfig = Annotated[
    VelocityVerletConfig | LangevinConfig | BussiConfig | NoseHooverConfig | MtkConfig,
    Field(discriminator="name"),
]
