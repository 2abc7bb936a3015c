"""What the machine has (`detect`), and what of it a run computes on (`selection`)."""
