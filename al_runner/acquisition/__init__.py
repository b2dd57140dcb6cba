"""Pure functions on tensors: probabilities → scores (`uncertainty`), scores → indices (`selection`)."""
