"""Pulling from and pushing to accounts: never lost, never doubled, never stale."""
