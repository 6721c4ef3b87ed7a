"""The command line ``aigc``: it composes all the other packages, each loaded only when a command needs it."""
