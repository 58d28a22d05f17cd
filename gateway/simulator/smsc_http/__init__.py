"""A simulated SMSC service over HTTP: for `smsc-gateway simulate --http` and tests (docs/simulator.md)."""
