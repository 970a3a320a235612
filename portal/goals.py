"""What people would like to be different, in their own words: set, rated by themselves, revised, achieved, set aside,
never deleted (product 8). No rating by anybody else, and a goal's own line is always shown beside any mean.
"""
