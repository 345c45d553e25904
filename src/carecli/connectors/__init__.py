"""Connectors: how carecli talks to helpdesks, mailboxes and knowledge bases."""
