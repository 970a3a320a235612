"""Messages back to the GP and the referrer by the PRSB standard: headings, order, gaps, the record of sending."""
