"""Fixtures of the tests of what clients come to."""

from smtp_support import pki as pki
