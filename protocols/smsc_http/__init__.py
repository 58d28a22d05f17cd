"""The SMSC service over HTTP, its requests, answers, numbers and callbacks, without I/O and without a clock."""
