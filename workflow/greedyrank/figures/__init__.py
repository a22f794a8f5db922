"""How figures are drawn and saved."""
