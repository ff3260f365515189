"""A shell command as a step: ``function: mlnb.pipelines.shell:run``."""

import subprocess


def run(command: str) -> None:
    """Run a command by bash in the step's folder, and print what it prints, as it prints it.

    Raises
    ------
    subprocess.CalledProcessError
        If it ends with another code than 0.
    """
    arguments = ["bash", "-c", command]
    with subprocess.Popen(  # noqa: S603  (the command is the pipeline's own)
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        for line in process.stdout:
            print(line, end="")
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
