"""What is asked of whom on which occasion, and with which scale: what a service has decided about each scale of the
catalogue, its texts and licences; the plan of check-ins, when they are due, and when asking stops.
"""
