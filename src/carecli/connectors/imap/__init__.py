"""Mailboxes over IMAP and SMTP."""
