"""Qibixx MDB-USB and MDB Pi Hat: MDB as text lines."""
