"""The SMSC service over HTTP, as an upstream."""
