"""Published figures of real hardware and of other simulators, held against the simulator."""
