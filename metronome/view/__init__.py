"""``metronome view``: a page that shows the array over time."""
