"""The commands of `bellwether`, by what they are about; `workers/cli.py` puts them together.

Modules here import nothing heavy: what a command needs is imported when it runs.
"""
