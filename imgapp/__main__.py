"""`python -m imgapp`."""

from imgapp.cli import main

if __name__ == "__main__":
    main()
