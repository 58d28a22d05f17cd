"""SMPP 3.4 and 5.0: numbers, PDUs, codec and the session of either end, without I/O and without a clock."""
