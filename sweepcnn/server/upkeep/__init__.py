"""Keeping a backend in good order: removing what nobody needs, finding what is wrong."""
