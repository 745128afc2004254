"""The contract of `sweepcnn.storage` by its chapters; `test_conformance` has them all."""
