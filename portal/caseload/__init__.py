"""A caseload: who needs attention and why, contacts, the plan, what must be known, onward referrals, closing."""
