"""Every life cycle of the server, found by importing every `states.py`: whole, closed, obeyed."""

import importlib
import pkgutil
from enum import StrEnum

import pytest

import fleet_server
from fleet_server.cabinets.states import CABINET_LIFE, COMMAND_LIFE
from fleet_server.errors import IllegalTransitionError, InvalidError
from fleet_server.life_cycles import LifeCycle
from tests.fleet_server.life_cycle_checks import ends, reachable

Life = LifeCycle[StrEnum]


def all_lives() -> dict[str, Life]:
    found: dict[str, Life] = {}
    for module in pkgutil.walk_packages(fleet_server.__path__, "fleet_server."):
        if module.name.endswith(".states"):
            names = vars(importlib.import_module(module.name))
            found |= {
                f"{module.name.split('.')[1]}.{name}": value
                for name, value in names.items()
                if isinstance(value, LifeCycle)
            }
    return found


LIVES = all_lives()
each_life = pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)


def test_the_lives_of_the_design_are_found() -> None:
    assert {CABINET_LIFE, COMMAND_LIFE} <= set(LIVES.values())
    kinds = {life.kind for life in LIVES.values()}
    assert {"cabinet", "command", "ticket", "visit", "offer", "fault"} <= kinds


@each_life
def test_each_state_of_the_enum_has_its_row(life: Life) -> None:
    assert set(life.steps) == set(type(life.initial))


@each_life
def test_each_state_is_reachable(life: Life) -> None:
    assert reachable(life) == set(life.steps)


@each_life
def test_each_state_leads_to_an_end_and_each_end_is_closed(life: Life) -> None:
    assert life.final
    assert ends(life) == set(life.steps)
    for state in life.final:
        assert life.legal(state) == []


@each_life
def test_each_legal_step_is_taken_and_each_other_names_the_legal_ones(life: Life) -> None:
    for state in life.steps:
        for wanted in life.steps:
            if wanted in life.steps[state]:
                assert life.step(state, wanted) is wanted
                continue
            with pytest.raises(IllegalTransitionError) as caught:
                life.step(state, wanted)
            assert caught.value.legal == life.legal(state)


@each_life
def test_a_state_is_found_by_its_name_and_no_other_name_is_one(life: Life) -> None:
    for state in life.steps:
        assert life.named(str(state)) is state
    with pytest.raises(InvalidError):
        life.named("nonsense")


def test_p14_the_states_of_an_order_are_those_of_the_design() -> None:
    """Finished is told apart: succeeded, failed, rejected."""
    finished = {"succeeded", "failed", "rejected"}
    others = {"created", "sent", "expired", "cancelled", "unknown"}
    assert set(COMMAND_LIFE.steps) == finished | others
    assert COMMAND_LIFE.final == finished | {"expired", "cancelled"}


def test_p19_the_life_of_a_cabinet_is_that_of_the_design() -> None:
    assert list(CABINET_LIFE.steps) == ["registered", "enrolled", "in_service", "retired"]
    assert CABINET_LIFE.final == {"retired"}
