"""Cases: the states of a notice, deadlines, the plan, requests and the certificate."""
