"""The configuration of one company (`touchpoint360.yaml`), checked, and the tables the SQL models read it as.

The defaults stand in `configuration_default.yaml`. Not here: a section and its rules
(`settings/`), where a warehouse is, what runs when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from models.catalogue import channel_table, channels, load_catalogue, touchpoint_type_table
from models.contract import load_contracts
from models.naming import nearest
from models.settings.access_log import AccessLog
from models.settings.base import Section
from models.settings.identity import Identity
from models.settings.journey import Funnel, Journey, Paths
from models.settings.measure import Attribution, ContactCap, ContactRule, Effect, Evidence, Prediction, Trend
from models.settings.night import Privacy, Release, Resources, Schedule
from models.settings.web import Session, Web
from models.web_tables import web_tables
from models.yaml_text import read_yaml

SECONDS_PER_DAY = 86_400
# Sections whose entries are replaced whole instead of merged key by key: half a journey definition means nothing.
NAMED_SECTIONS = ("journeys", "funnels")
# Phases around a purchase, in the order in which they come.
PHASES = ("before", "during", "after")


class ConfigurationError(ValueError):
    """A configuration that cannot be used: one line per mistake, each with place, value and what would be valid."""


class Configuration(Section):
    """Everything a company decides. Every field has its default in configuration_default.yaml."""

    company: str = Field(min_length=1)
    schedule: Schedule
    base_currency: str = Field(pattern="^[A-Z]{3}$")
    exchange_rates: dict[str, float]
    source_folders: list[Path]
    default_country: str = Field(pattern="^[A-Z]{2}$")
    session: Session
    web: Web
    access_log: AccessLog
    journeys: dict[str, Journey]
    funnels: dict[str, Funnel]
    paths: Paths
    identity: Identity
    attribution: Attribution
    effect: Effect
    prediction: Prediction
    trend: Trend
    evidence: Evidence
    contact_rules: list[ContactRule]
    contact_cap: ContactCap
    release: Release
    resources: Resources
    privacy: Privacy

    @field_validator("exchange_rates")
    @classmethod
    def _rates(cls, rates: dict[str, float]) -> dict[str, float]:
        for currency, rate in rates.items():
            if not (len(currency) == 3 and currency.isalpha() and currency.isupper()):
                raise ValueError(f"{currency!r} is not a currency code of three capitals, such as EUR")
            if not 0 < rate < float("inf"):
                raise ValueError(f"the rate of {currency} is {rate}; it must be above 0")
        return rates

    @field_validator("journeys", "funnels")
    @classmethod
    def _names(cls, named: dict[str, Any]) -> dict[str, Any]:
        for name in named:
            if not name.replace("_", "").isalnum() or name != name.lower():
                raise ValueError(f"{name!r}: a name is lower-case letters, digits and underscores")
        return named

    @field_validator("contact_rules")
    @classmethod
    def _rules_once(cls, rules: list[ContactRule]) -> list[ContactRule]:
        if len({rule.rule for rule in rules}) != len(rules):
            raise ValueError("a rule is listed twice")
        return rules

    @model_validator(mode="after")
    def _attribution_exists(self) -> Configuration:
        if self.attribution.definition not in self.journeys:
            name = self.attribution.definition
            raise ValueError(f"attribution.definition: {name!r} is not a journey{nearest(name, self.journeys)}")
        for funnel, definition in self.funnels.items():
            if definition.journey is not None and definition.journey not in self.journeys:
                hint = nearest(definition.journey, self.journeys)
                raise ValueError(f"funnels.{funnel}.journey: {definition.journey!r} is not a journey{hint}")
        if self.exchange_rates.get(self.base_currency, 1.0) != 1.0:
            raise ValueError(f"exchange_rates: {self.base_currency} is the base currency, so its rate is 1")
        return self


def load_configuration(path: Path | None = None) -> Configuration:
    """The configuration in `path` on top of the defaults; the defaults alone for None.

    Relative `source_folders` and `salt_file` are taken from the folder of the file. Raises ConfigurationError with one
    line per mistake.
    """
    default_path = Path(__file__).parent / "configuration_default.yaml"
    values: dict[str, Any] = read_yaml(default_path.read_text(encoding="utf-8"))
    if path is not None:
        values = _merged(values, _own_values(path), path.parent)
    try:
        configuration = Configuration.model_validate(values)
    except ValidationError as error:
        lines = [_line(item, str(path or default_path.name)) for item in error.errors() if not _other_form(item)]
        raise ConfigurationError("\n".join(dict.fromkeys(lines))) from None
    if configuration.identity.matching.model is not None:
        # Only a model of one's own is worth the import of the whole tier.
        from models.matching.model import read_model

        try:
            read_model(configuration.identity.matching.model)
        except ValueError as error:
            raise ConfigurationError(f"{path}: identity.matching.model: {error}") from None
    return configuration


def _other_form(item: Any) -> bool:
    """Whether an error is about the form that was not meant: a selection where the word 'all' stands, or reverse."""
    literal = any(str(part).startswith("literal[") for part in item["loc"])
    return literal != isinstance(item["input"], str) and (literal or item["type"] in ("list_type", "model_type"))


def _line(item: Any, file: str) -> str:
    inner = ("list[str]", "Selection")
    place = ".".join(str(part) for part in item["loc"] if part not in inner and not str(part).startswith("literal["))
    message = item["msg"].removeprefix("Value error, ")
    given = "" if item["type"] in ("value_error", "missing") else f" (found {item['input']!r})"
    return f"{file}: {place + ': ' if place else ''}{message}{given}"


def _own_values(path: Path) -> dict[str, Any]:
    try:
        own = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}). Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not YAML: {error}") from None
    if own is None:
        return {}
    if not isinstance(own, dict):
        raise ConfigurationError(f"{path}: holds a {type(own).__name__}; a configuration is 'key: value' lines.")
    return own


def _merged(default: dict[str, Any], own: dict[str, Any], folder: Path) -> dict[str, Any]:
    values = dict(default)
    # The default rates are in euro: with another base currency they would be wrong without anyone noticing.
    if own.get("base_currency", default["base_currency"]) != default["base_currency"]:
        values["exchange_rates"] = {}
    for key, value in own.items():
        if key in NAMED_SECTIONS and isinstance(value, dict):
            named = {**values[key], **value}
            values[key] = {name: entry for name, entry in named.items() if entry is not None}
        else:
            values[key] = _deep(values.get(key), value)
    if isinstance(values["source_folders"], list):
        values["source_folders"] = [folder / str(item) for item in values["source_folders"]]
    identity = values["identity"]
    if isinstance(identity, dict) and identity.get("decisions"):
        values["identity"] = {**identity, "decisions": folder / str(identity["decisions"])}
    identity = values["identity"]
    matching = identity.get("matching") if isinstance(identity, dict) else None
    if isinstance(matching, dict) and matching.get("model"):
        values["identity"] = {**identity, "matching": {**matching, "model": folder / str(matching["model"])}}
    privacy = values["privacy"]
    if isinstance(privacy, dict) and privacy.get("salt_file"):
        values["privacy"] = {**privacy, "salt_file": folder / str(privacy["salt_file"])}
    return values


def _deep(default: Any, own: Any) -> Any:
    if isinstance(default, dict) and isinstance(own, dict):
        return {**default, **{key: _deep(default.get(key), value) for key, value in own.items()}}
    return own


def journey_id_offset(name: str) -> int:
    """What a definition adds to a first touchpoint_id to make a journey_id; in [0, 2^62), from the name alone.

    touchpoint_id is below 2^62 too, so the sum is a BIGINT, and two definitions that start at one touchpoint differ.
    """
    return int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest()[:8], "big") >> 2


def configuration_tables(config: Configuration, data_date_at: datetime) -> dict[str, pa.Table]:
    """The configuration as tables for the SQL models; `data_date_at` is naive UTC (an aware one is converted).

    Columns and types are those of the contracts of kind `configuration`.
    """
    if data_date_at.tzinfo is not None:
        data_date_at = data_date_at.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    catalogue = load_catalogue()
    codes = channels()
    setting = {
        "data_date_at": data_date_at,
        "company": config.company,
        "base_currency": config.base_currency,
        "default_country": config.default_country,
        "household_limit": config.identity.household_limit,
        "session_gap_seconds": _seconds(config.session.gap_minutes, 60),
        "session_maximum_seconds": _seconds(config.session.max_hours, 3600),
        "is_new_campaign_new_session": config.session.new_campaign_starts_session,
        "last_non_direct_seconds": _seconds(config.web.last_non_direct_days),
        "attribution_journey_definition": config.attribution.definition,
        "attribution_half_life_seconds": _seconds(config.attribution.half_life_days),
        "effect_window_seconds": _seconds(config.effect.window_days),
        "effect_unit_limit": config.effect.largest_sample,
        "prediction_horizon_days": config.prediction.horizon_days,
        "contact_cap_count": config.contact_cap.count,
        "contact_cap_seconds": _seconds(config.contact_cap.days),
        "incident_weeks": ", ".join(monday.isoformat() for monday in config.trend.incident_weeks()),
        "special_days": ", ".join(day.isoformat() for day in sorted(config.trend.special_days)),
        "low_score_scaled": config.evidence.low_score,
        "long_wait_seconds": config.evidence.long_wait_seconds,
        "unanswered_seconds": _seconds(config.evidence.unanswered_hours, 3600),
        "evidence_look_back_seconds": _seconds(config.evidence.look_back_hours, 3600),
        "out_of_stock_pattern": config.evidence.out_of_stock_pattern,
        "variant_limit": config.paths.variant_limit,
        "rage_count": config.paths.rage_count,
        "rage_seconds": config.paths.rage_seconds,
        "loop_count": config.paths.loop_count,
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "setting": [setting],
        "session_channel": [{"channel_code": codes[name], "channel": name} for name in config.session.channels],
        "journey_definition": [
            {
                "journey_definition": name,
                "journey_number": number,
                "id_offset": journey_id_offset(name),
                "gap_seconds": _seconds(journey.gap_days),
                "journey_family": journey.family,
                "label": journey.label,
                "journey_phases": " > ".join(
                    phase for phase in PHASES if phase in {role.journey_phase for role in journey.types().values()}
                ),
            }
            # By name: adding a definition must not depend on where in the file it stands.
            for number, (name, journey) in enumerate(sorted(config.journeys.items()), start=1)
        ],
        "journey_definition_type": [
            {
                "journey_definition": name,
                "touchpoint_type_code": catalogue[touchpoint_type].code,
                **role._asdict(),
            }
            for name, journey in sorted(config.journeys.items())
            for touchpoint_type, role in journey.types().items()
        ],
        "funnel_definition": [
            {
                "funnel": name,
                "mode": funnel.mode,
                "window_seconds": _seconds(funnel.window_days),
                "step_number": number,
                "touchpoint_type": touchpoint_type,
                "touchpoint_type_code": catalogue[touchpoint_type].code,
            }
            for name, funnel in sorted(config.funnels.items())
            for number, touchpoint_type in enumerate(funnel.required, start=1)
        ],
        "funnel_touchpoint_type": [
            {
                "funnel": name,
                "touchpoint_type_code": catalogue[touchpoint_type].code,
                "funnel_role": role,
                "step_number": number,
            }
            for name, funnel in sorted(config.funnels.items())
            for touchpoint_type, (role, number) in _funnel_roles(config, funnel).items()
        ],
        "attribution_model": [{"attribution_model": name} for name in config.attribution.models],
        "effect_wait": [
            {
                "effect_wait": name,
                "from_touchpoint_type_code": catalogue[wait.since].code,
                "to_touchpoint_type_code": catalogue[wait.until].code,
                "minimum_seconds": None if wait.at_least_hours is None else _seconds(wait.at_least_hours, 3600),
                "maximum_seconds": None if wait.at_most_hours is None else _seconds(wait.at_most_hours, 3600),
                "is_bad_experience": wait.at_least_hours is not None,
            }
            for name, wait in sorted(config.effect.waits.items())
        ],
        "experiment_attribute": [
            {"experiment_attribute": name} for name in sorted(config.effect.experiment_attributes)
        ],
        "contact_rule": [
            {
                "contact_rule": rule.rule,
                "priority": number,
                "rule_weight": rule.weight
                if rule.weight is not None
                else float(len(config.contact_rules) - number + 1),
                "wait_seconds": _seconds(rule.wait_hours, 3600),
                "window_seconds": _seconds(rule.within_days),
                "minimum_monetary_score": rule.minimum_monetary_score,
                "maximum_score_scaled": rule.maximum_score,
                "reason": rule.reason,
            }
            for number, rule in enumerate(config.contact_rules, start=1)
        ],
        "contact_rule_type": [
            {"contact_rule": rule.rule, "touchpoint_type_code": catalogue[name].code, "is_trigger": is_trigger}
            for rule in config.contact_rules
            for is_trigger, names in ((True, rule.triggers), (False, rule.answers))
            for name in names
        ],
        "contact_rule_channel": [
            {"contact_rule": rule.rule, "channel": channel, "channel_rank": rank}
            for rule in config.contact_rules
            for rank, channel in enumerate(rule.channels, start=1)
        ],
        "contact_cap_type": [{"touchpoint_type_code": catalogue[name].code} for name in config.contact_cap.types],
        "source_priority": [
            {"source_system": system, "priority": number}
            for number, system in enumerate(config.identity.source_priority, start=1)
        ],
        "exchange_rate": [
            {"currency": currency, "rate": rate}
            for currency, rate in sorted({**config.exchange_rates, config.base_currency: 1.0}.items())
        ],
    }
    rows.update(web_tables(config.web))
    tables = {name: _table(name, entries) for name, entries in rows.items()}
    return {**tables, "touchpoint_type": touchpoint_type_table(), "channel": channel_table()}


def _funnel_roles(config: Configuration, funnel: Funnel) -> dict[str, tuple[str, int | None]]:
    """Touchpoint type → (role, number of the step; of an optional one the step before it): all types the funnel looks at."""
    roles: dict[str, tuple[str, int | None]] = {}
    if funnel.mode == "strict":
        others = load_catalogue() if funnel.journey is None else config.journeys[funnel.journey].types()
        roles.update(dict.fromkeys(others, ("between", None)))
    roles.update(dict.fromkeys(funnel.exclusions, ("exclusion", None)))
    roles.update({name: ("optional", number) for name, number in funnel.optional.items()})
    roles.update({name: ("step", number) for number, name in enumerate(funnel.required, start=1)})
    return roles


def _table(name: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    schema = load_contracts()[name].arrow_schema()
    # Without the descriptions: metadata would only make every copy of a small table larger.
    return pa.Table.from_pylist(list(rows), schema=pa.schema([(field.name, field.type) for field in schema]))


def _seconds(value: float, unit: int = SECONDS_PER_DAY) -> int:
    """Whole seconds, at least one where the value is not zero."""
    return max(1, round(value * unit)) if value else 0
