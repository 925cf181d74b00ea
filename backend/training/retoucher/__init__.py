"""How the retoucher learns, from round trips of photographs."""
