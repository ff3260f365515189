"""DVC repositories, read without DVC: git, ``.dvc`` and ``dvc.lock`` files, cache and remotes.

The ``dvc`` program is used only for what is in no folder of this machine.
"""
