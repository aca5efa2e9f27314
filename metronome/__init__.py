"""The face: command line, reports and the public Python API."""
