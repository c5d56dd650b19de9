"""Attachments: photos and documents of tickets, kept as files by their hash."""
