"""How people find the service: the Friends and Family question, anonymous by construction, complaints and compliments
with an owner and a reply, and the public page of what was said and done (product 10).
"""
