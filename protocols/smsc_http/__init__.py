"""The SMSC service over HTTP: requests, answers, numbers and callbacks, without I/O and without a clock."""
