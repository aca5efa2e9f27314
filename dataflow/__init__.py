"""The question and the answer sheet: layers, directives, levels, regions, machines, metrics."""
