"""A small Discord-compatible server for one machine: REST and gateway v10 for the bot, a chat page for people."""
