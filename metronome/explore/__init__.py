"""The command ``metronome explore``: sweeps and searches of design spaces."""
