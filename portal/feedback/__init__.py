"""What people answer: kept item by item as codes, with the words that were shown, how, and by whom; scores, bands and
change are worked out when shown.
"""
