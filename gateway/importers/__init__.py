"""Configurations of other gateways, converted into one of this gateway.

A format's importer gets texts and gives a tree of options and a list of what has no counterpart. It reads no
files and knows no passwords' hashes, so it can be tried with anything.
"""
