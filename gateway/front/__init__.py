"""The SMSC service's HTTP API, answered by the gateway itself."""
