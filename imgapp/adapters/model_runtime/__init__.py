"""Models of our own: fetches, keeps and runs small open vision models (llama.cpp, GGUF).

Nothing is imported here: the model's process is a module of this package, and wants little memory.
"""
