"""How fast events become durable, with broker, server, database and load on the same machine."""
