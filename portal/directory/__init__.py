"""Community activities, after Open Referral UK (HSDS-UK 3.0): take in, search, check, publish."""
