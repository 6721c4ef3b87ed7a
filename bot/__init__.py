"""The Discord side: commands, buttons, progress and delivery. It never loads torch."""
