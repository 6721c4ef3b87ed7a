"""What bot and workers say to each other: frozen JSON values, and the one door to the job records in Redis."""
