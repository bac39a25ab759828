"""Finding out what is connected: places to look at, what a line says by itself, questions that do no harm."""
