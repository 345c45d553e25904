"""Alembic's entry: runs the migrations on the connection that ``store.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from carecli.store import tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=tables.METADATA, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
