"""An image library that describes itself."""

__version__ = "0.1.0"
