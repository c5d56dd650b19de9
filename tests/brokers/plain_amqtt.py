"""amqtt as it is: our access rules on it, and nothing of what `broker/service.py` mends."""

import sys

from simulators.hosts.amqtt_host import AmqttHost

PLAIN = """
import asyncio
from amqtt.broker import Broker
from fleet_server.broker.service import broker_config
from fleet_server.settings import Settings

async def main():
    await Broker(broker_config(Settings())).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


class PlainAmqttHost(AmqttHost):
    """The embedded broker without our class."""

    command = (sys.executable, "-c", PLAIN)

    def stop(self) -> None:
        """It has no clean end."""
        self.process.kill()
