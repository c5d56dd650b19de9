"""Settings of the server: environment `FLEET_*`, then a TOML file.

`fleet-server settings` prints them all with their meaning.
"""

import os
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Everything that differs between one installation and another."""

    model_config = SettingsConfigDict(env_prefix="FLEET_", extra="forbid", validate_default=True)

    fleet: str = Field("fleet", description="Name of the fleet: first part of every topic.")
    data_dir: Path = Field(
        Path("data"), description="Folder of the SQLite file, the keys and the broker's secret."
    )
    database_url: str = Field(
        "", description="SQLAlchemy URL; empty means SQLite in data_dir (small sites)."
    )
    broker_url: str = Field(
        "",
        description="mqtt://host:port of an outside broker; empty starts the embedded one. Several "
        "nodes of a cluster with commas: the first is taken, and the next when it is lost.",
    )
    broker_host: str = Field(
        "127.0.0.1", description="Address the embedded or generated broker listens on."
    )
    broker_port: int = Field(
        1883, ge=0, le=65535, description="Port of the embedded or generated broker for cabinets."
    )
    broker_server_port: int = Field(
        1884,
        ge=0,
        le=65535,
        description="Mosquitto only: port on broker_server_host where the server itself connects.",
    )
    broker_server_host: str = Field(
        "127.0.0.1", description="Mosquitto only: address of the server's own listener."
    )
    broker_nats_client_port: int = Field(
        4222,
        ge=0,
        le=65535,
        description="NATS only: port of its own protocol, on loopback; unused.",
    )
    broker_connections_max: int = Field(
        60_000,
        ge=10,
        description="Generated brokers only: connections at once; raise the limit of open files.",
    )
    broker_public_url: str = Field(
        "",
        description="What cabinets are told at enrolment; empty means broker_url, or broker_host:"
        "broker_port. Nodes with commas: each cabinet is told all, first the one of its shard.",
    )
    downlink_qos: int = Field(
        1, ge=0, le=1, description="Highest QoS towards cabinets: 1, or 0 on NATS (P-0)."
    )
    uplink_qos: int | None = Field(
        None,
        ge=0,
        le=1,
        description="QoS of the server's own subscriptions; unset: that of downlink_qos. At 0 a "
        "NATS cluster that lost a node goes on delivering (docs/brokers.md).",
    )
    http_host: str = Field("127.0.0.1", description="Address of API and console.")
    http_port: int = Field(8000, ge=0, le=65535, description="Port of API and console.")
    operations_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port of /health and /metrics of `ingest` and `worker` processes; 0: none.",
    )
    journal_retention_months: int = Field(
        42,
        ge=0,
        description="Months of journal kept: 3 years and 6 months for disputes; 0 keeps all.",
    )
    telemetry_retention_months: int = Field(
        13, ge=0, description="Months of telemetry kept, for a look at last year; 0 keeps all."
    )
    service_policy: str = Field(
        "strict", description="Preset of service levels and dispatch times: strict or demo."
    )
    threshold_profile: str = Field(
        "cn", description="Fault threshold profile new cabinets get: cn, fda, nama or demo."
    )
    sweep_period: timedelta = Field(
        timedelta(seconds=1), description="How often deadlines are looked at."
    )
    session_lifetime: timedelta = Field(
        timedelta(hours=12), description="A person signs in again after this long."
    )
    secure_cookies: bool = Field(
        default=False, description="Set where the API is served over HTTPS: cookies only there."
    )
    notice_channels: list[str] = Field(
        default_factory=list,
        description="apprise URLs; without any, notices are kept and shown in the console.",
    )
    notice_role_channels: dict[str, list[str]] = Field(
        default_factory=dict,
        description="apprise URLs of a role: {dispatcher = ['wecombot://...']}; they hear what is "
        "for that role, wherever it is.",
    )
    notice_person_schemas: list[str] = Field(
        default=["dingtalk", "feishu", "lark", "mailto", "mailtos", "wecombot"],
        description="apprise services a person may bring; one with a host of its own choice lets "
        "people make this server connect there.",
    )
    notice_private_hosts: bool = Field(
        default=False,
        description="Whether mail servers and push services people bring may be inside the house.",
    )
    push_contact: str = Field(
        "mailto:fleet-server@localhost",
        description="Whom a Web Push service writes to about this server: mailto: or https:; "
        "Apple's refuses one that is not real.",
    )
    dispatch_processes: int = Field(
        1,
        ge=0,
        le=64,
        description="Processes that improve dispatch plans in the worker that leads; from 3 on "
        "each installed engine thinks side by side. 0: nothing is ever planned anew.",
    )
    time_zone: str = Field(
        "Asia/Shanghai",
        description="IANA zone of the times in notices that are about no site in particular.",
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(default=False, description="One JSON object per log line.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("no time zone of the IANA database")
        return name

    @property
    def resolved_database_url(self) -> str:
        """The database really used."""
        return self.database_url or f"sqlite:///{self.data_dir / 'fleet.sqlite'}"

    @property
    def resolved_broker_url(self) -> str:
        """The broker the server itself connects to."""
        return self.broker_url or f"mqtt://{self.broker_host}:{self.broker_port}"

    @property
    def resolved_uplink_qos(self) -> int:
        """QoS of the server's own subscriptions."""
        return self.downlink_qos if self.uplink_qos is None else self.uplink_qos

    def brokers_for_cabinet(self, shard: int) -> list[str]:
        """What an enrolling cabinet is told: every node, first the one its shard falls on.

        A cabinet tries them in turn, so the fleet is spread evenly while all nodes live.
        """
        return nodes_from(self.broker_public_url or self.resolved_broker_url, shard)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Code, then environment, then the file `fleet-server.toml` (or FLEET_SETTINGS_FILE)."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _toml_file())


def _toml_file() -> Path:
    return Path(os.environ.get("FLEET_SETTINGS_FILE", "fleet-server.toml"))


def nodes_from(urls: str, first: int) -> list[str]:
    """Addresses of a list with commas, beginning with the one that `first` falls on."""
    nodes = [one.strip() for one in urls.split(",")]
    turn = first % len(nodes)
    return nodes[turn:] + nodes[:turn]
