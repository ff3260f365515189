"""Raising shell, fakes and the contract test classes that every backend must pass."""
