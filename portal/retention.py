"""Erasure: a person is taken out of every table, and counts without anybody stay, so that totals stay true."""
