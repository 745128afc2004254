"""`python -m sweepcnn` is `sweepcnn`."""

from sweepcnn.cli import main

if __name__ == "__main__":
    main()
