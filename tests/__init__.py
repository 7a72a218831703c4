"""Tests of corruptgen: promises of every unit, parity with the originals, and what a user does."""
