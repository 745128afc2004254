"""How requests are taken: connections, bodies, addresses, and what is told about them."""
