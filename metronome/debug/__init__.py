"""``metronome debug``: a simulation cycle by cycle, forwards and backwards."""
