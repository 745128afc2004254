"""How the tables came to be what they are; see `sweepcnn.storage.schema`."""
