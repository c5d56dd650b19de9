"""Who is killed next, and how it is started again."""

import time
from collections import Counter
from collections.abc import Callable

from tests.soak.world import World

WEIGHTS = {"agents": 9, "ingest": 5, "broker": 3, "database": 2, "worker": 2, "api": 1, "cut": 4}
PAUSE_SECONDS_MAX = 1.2
CUT_SECONDS_MAX = 3.0


class Killer:
    """Draws victims from the world's chance."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.kills: Counter[str] = Counter()
        self.cuts = 0
        self._ways: dict[str, Callable[[], None]] = {
            "agents": self._agents,
            "ingest": self._ingest,
            "broker": self._broker,
            "database": self._database,
            "worker": self._worker,
            "api": self._api,
            "cut": self._cut,
        }

    def strike(self) -> None:
        """Wait a moment, then kill or cut something."""
        chance = self._world.chance
        time.sleep(chance.uniform(0.0, PAUSE_SECONDS_MAX))
        self._world.fleet.revive()
        names = list(WEIGHTS)
        self._ways[chance.choices(names, [WEIGHTS[name] for name in names])[0]]()

    def _agents(self) -> None:
        chance, cabinets = self._world.chance, self._world.cabinets
        victims = chance.sample(cabinets, chance.randint(1, len(cabinets)))
        for one in victims:
            one.agent.kill()
        time.sleep(chance.uniform(0.0, 0.3))
        for one in victims:
            one.agent.start()
        self.kills["agent"] += len(victims)

    def _ingest(self) -> None:
        victim = self._world.chance.choice(self._world.fleet.ingests)
        victim.kill()
        victim.start()
        self.kills["ingest"] += 1

    def _worker(self) -> None:
        victim = self._world.chance.choice(self._world.fleet.workers)
        victim.kill()
        victim.start()
        self.kills["worker"] += 1

    def _api(self) -> None:
        self._world.fleet.api.kill()
        self._world.fleet.api.start()
        self.kills["api"] += 1

    def _broker(self) -> None:
        self._world.broker.kill()
        self._world.broker.start()
        self.kills["broker"] += 1

    def _database(self) -> None:
        self._world.postgres.kill()
        self._world.postgres.start()
        self.kills["database"] += 1

    def _cut(self) -> None:
        chance = self._world.chance
        link = chance.choice(self._world.links)
        link.cut()
        time.sleep(chance.uniform(0.2, CUT_SECONDS_MAX))
        link.mend()
        self.cuts += 1
