"""A person's own copy of everything that is kept about them: one tree, from which the page, the JSON and the CSV
follow.
"""
