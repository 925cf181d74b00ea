"""The one error of an installation."""


class InstallError(Exception):
    """A reason why an environment cannot be made, and what to do about it.

    Args:
        code: cancelled, disk_full, python_missing, python_unsupported, venv_missing,
            library_missing, network, path_too_long, hash_mismatch, wheel_not_accepted,
            bad_request, pip_failed.
        message: What happened, with the values found and what was expected.
        remedy: What to do about it, one line.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy
