"""One simulated world, the emulated electronics that measure it, and the drivers that reach both over a socket."""
